"""Specimens of an alert's arrival: Alertmanagers, and test alerts on their way through them, right and wrong."""

from __future__ import annotations

from dataclasses import replace

from seatrial.drivers._alertmanager_config import configuration
from seatrial.facts.alerts.arrival import Alertmanager, Matcher, Silence
from seatrial.facts.alerts.delivery_judged import Delivering, Delivery
from seatrial.facts.alerts.rules import Group, Rule, RuleFile
from seatrial.facts.experiment import Bound, Fault, Moment, Sample, Timeline
from seatrial.profile.alerting import Alerts, TestReceiver
from seatrial.words import Duration, Missing
from tests.specimens import Specimens

URL = "http://127.0.0.1:9093"
CONFIG = """\
route:
  receiver: team
  routes:
  - matchers: ['seatrial="test"']
    receiver: seatrial
    group_by: ['...']
    group_wait: 1s
    group_interval: 5s
  - match: {severity: page}
    receiver: pager
  - match_re: {severity: info|none}
    receiver: nobody
receivers:
- name: team
  email_configs: [{to: team@example.org}]
- name: pager
  pagerduty_configs: [{routing_key: <secret>}]
- name: seatrial
  webhook_configs: [{url: 'http://127.0.0.1:9099/'}]
- name: nobody
"""
LABELS = {"alertname": "SeatrialTest", "seatrial": "test", "seatrial_id": "4711"}
DARK = Missing("Alertmanager at http://127.0.0.1:9093: GET /api/v2/silences answered HTTP 403", "credentials")


def server(config=CONFIG, **changes):
    """An Alertmanager with a configuration."""
    told = configuration(config, str, "seatrial", "/")
    return Alertmanager(URL, "0.25.0", labels=LABELS, **{**told, **changes})


CUSTOMARY = """\
route:
  group_by: [namespace]
  receiver: Default
  routes:
  - {matchers: ['alertname = Watchdog'], receiver: Watchdog}
  - {matchers: ['alertname = InfoInhibitor'], receiver: 'null'}
  - {matchers: ['severity = critical'], receiver: Critical}
inhibit_rules:
- {source_matchers: ['severity = critical'], target_matchers: ['severity =~ warning|info'], equal: [namespace, alertname]}
- {source_matchers: ['alertname = InfoInhibitor'], target_matchers: ['severity = info'], equal: [namespace]}
receivers:
- {name: Default, slack_configs: [{channel: '#alerts'}]}
- {name: Critical, pagerduty_configs: [{routing_key: <secret>}]}
- {name: Watchdog}
- {name: 'null'}
"""
"""As it comes with the operator for Kubernetes, with people in it."""


# --- a test alert -----------------------------------------------------------------------------------------------------


def trip(*samples, notes=None, sent=True, routes=1.0, seconds=9.0):
    """A test alert on its way: when it was told of, and how; it was posted at 0.5 s, and is due within 6 s."""
    told = tuple(
        each if isinstance(each, Sample) else Sample(each, "firing", "seatrial", ok=True, status=200)
        for each in samples
    )
    fault = Fault("posted", "alertmanager", "posted to the Alertmanager", "the Alertmanager took it", 0.5, 4.0)
    return Timeline(
        "a test alert on its way", "alertmanager", seconds, told, (fault,) if sent else (), (Moment(0.5, "posted"),),
        {"arrival": Bound(6.0, "group_wait of route.routes[0]"), "end": Bound(10.0, "group_interval of route.routes[0]")},
        {"group_interval_seconds": 5.0, "routes": routes}, notes or {},
    )  # fmt: skip


def over(at=6.0, failure=""):
    return Sample(at, "resolved", "seatrial", ok=not failure, status=200, failure=failure)


def altered(failure, at=1.6):
    return Sample(at, "firing", "seatrial", ok=False, status=200, failure=failure)


def delivery(timeline=None, config=CONFIG, receiver="seatrial"):
    """The way of a test alert."""
    declared = TestReceiver.model_construct(
        receiver=receiver, listen="127.0.0.1:9099", path="/", labels={"seatrial": "test"}, within=Duration(5)
    )
    timeline = trip(1.6, over()) if timeline is None else timeline
    return Delivery("alerts.test_receiver", declared, server(config), timeline)


SILENCED = delivery(trip(notes={"kept back": "silence 4f1c2d"}))
INHIBITED = delivery(trip(notes={"kept back": 'inhibit_rules[0] (source {severity="page"}, target {seatrial="test"})'}))
MUTED = delivery(trip(sent=False, notes={"muted": "route.routes[0] is mute in the time interval night, which is now"}))
NEVER = delivery(trip(seconds=12.0))
NOT_SENT = delivery(Missing("nothing was sent: the routing tree leads the test alert to receiver team"))
KEPT = {"could not arrive: it was kept back by silence": SILENCED, "could not arrive: route.*is mute": MUTED}

ALR_060 = Specimens(
    passes=[delivery(), delivery(NOT_SENT.timeline), SILENCED],
    fails={
        'an alert with alertname="SeatrialTest", seatrial="test" comes to receiver team by route': delivery(
            config=CONFIG.replace('seatrial="test"', 'seatrial="yes"')
        ),
        'comes to receiver pager by route.routes[0] {alertname=~".+"}': delivery(
            config=CONFIG.replace("  routes:\n", "  routes:\n  - match_re: {alertname: .+}\n    receiver: pager\n")
        ),
        "there is no receiver seatrail (expected the one of alerts.test_receiver.receiver)": delivery(
            receiver="seatrail"
        ),
    },
    undecided={
        "configuration was not read": replace(delivery(), alertmanager=Alertmanager(URL, receivers=server().receivers)),
        "more than we read for sure": delivery(
            config=CONFIG.replace(
                "  routes:\n", "  routes:\n  - match_re: {alertname: '(a|b)*'}\n    receiver: pager\n"
            )
        ),
    },
)
ALR_061 = Specimens(
    passes=[delivery(), delivery(trip(6.4))],
    fails={
        "it did not arrive within 11.5s (expected within 6s (group_wait of route.routes[0]))": NEVER,
        "it arrived after 7.1s": delivery(trip(7.6)),
        "does not list it: clocks may differ": delivery(
            trip(notes={"not listed": "the Alertmanager took it and does not list it: clocks may differ"})
        ),
        "something that is no notification": delivery(
            trip(
                notes={
                    "trouble": "something that is no notification of an Alertmanager came to the test receiver's path"
                }
            )
        ),
    },
    undecided={**KEPT, "nothing was sent": NOT_SENT},
)
ALR_062 = Specimens(
    passes=[delivery(), delivery(trip(1.6, 7.6, over(9)))],
    fails={
        "it arrived 2 times, after 1.1s, 1.1s; 2 routes lead it there (expected once)": delivery(
            trip(1.6, 1.6, routes=2.0)
        ),
        "it arrived 3 times": delivery(trip(1.6, 1.7, 2.0)),
    },
    undecided={"did not arrive": NEVER, **KEPT},
)
ALR_063 = Specimens(
    passes=[delivery()],
    fails={
        "its label seatrial is missing; its annotation summary is changed (expected as it was sent)": delivery(
            trip(altered("its label seatrial is missing; its annotation summary is changed"))
        ),
        "resolved: it has 1 more label than were sent": delivery(
            trip(1.6, over(failure="it has 1 more label than were sent"))
        ),
    },
    undecided={"did not arrive": NEVER, **KEPT},
)
ALR_064 = Specimens(
    passes=[delivery()],
    fails={"its end was not told (expected within 10s": delivery(trip(1.6))},
    undecided={
        "did not arrive": NEVER,
        "has send_resolved: false": delivery(trip(1.6, notes={"end": "receiver seatrial has send_resolved: false"})),
        **KEPT,
    },
)
ALR_065 = Specimens(
    passes=[delivery(), NEVER],
    fails={
        "it was kept back by silence 4f1c2d (expected told to the test receiver)": SILENCED,
        'it was kept back by inhibit_rules[0] (source {severity="page"}, target {seatrial="test"})': INHIBITED,
        "route.routes[0] is mute in the time interval night, which is now": MUTED,
    },
    undecided={"nothing was sent": NOT_SENT},
)


# --- all others -------------------------------------------------------------------------------------------------------


def alert(name, expr="up == 0", line=5, **labels):
    return Rule("alert", name, "demo", expr, labels, line=line)


DOWN, SLOW = alert("Down", severity="page"), alert("Slow", line=9, severity="ticket")
WATCHDOG = alert("Watchdog", "vector(1)", severity="info")


def delivering(found=None, *rules, rules_read=True, severities=("page", "ticket"), undelivered=()):
    """An Alertmanager, and the alerts of one rule file."""
    declared = Alerts.model_construct(
        severities=list(severities), undelivered=list(undelivered), test_receiver=delivery().declared
    )
    file = RuleFile("alerts.yaml", (Group("demo", rules or (DOWN, SLOW)),))
    read = file if rules_read else Missing("alerts.yaml is no YAML")
    return Delivering("alerts.alertmanager", declared, found or server(), {"alerts.yaml": read})


USED = CONFIG.replace("  - match_re: {severity: info|none}\n    receiver: nobody\n", "")
CLUSTER = (
    alert("Watchdog", "vector(1)", severity="none"),
    alert("InfoInhibitor", 'ALERTS{severity="info"} == 1', severity="none"),
    alert("KubePodCrashLooping", "increase(kube_pod_container_status_restarts_total[5m]) > 0", severity="warning"),
    alert("KubeAPIDown", 'absent(up{job="apiserver"} == 1)', severity="critical"),
    alert("CPUThrottlingHigh", "sum by (namespace, pod) (throttled) > 1", severity="info"),
)
KUBERNETES = delivering(server(CUSTOMARY), *CLUSTER, severities=("critical", "warning", "info"))
UNREAD = delivering(rules_read=False)
AGGREGATED = alert("Aggregated", "sum by (job) (up) == 0", severity="page")


def silence(days, *matchers, pending=False):
    return Silence("4f1c2d", matchers, days * 86400.0, pending)


ALL_PAGES = Matcher("severity", "=", "page")

ALR_066 = Specimens(
    passes=[delivering(), delivering(server(cluster="ready", peers=3))],
    fails={
        "its configuration was not loaded when it last was to": delivering(server(reloaded=False)),
        "its cluster is settling (expected ready)": delivering(server(cluster="settling")),
        "/-/ready answered HTTP 503": delivering(server(ready="HTTP 503", reloaded=DARK)),
    },
    undecided={
        "HTTP 403": delivering(server(reloaded=DARK)),
        "HTTP 404": delivering(server(ready=Missing("whether it is ready is not told: /-/ready answered HTTP 404"))),
    },
)
ALR_067 = Specimens(
    passes=[
        delivering(),
        KUBERNETES,
        delivering(None, DOWN, WATCHDOG, undelivered=["Watchdog"]),
        delivering(None, DOWN, WATCHDOG, severities=("page", "info"), undelivered=["info"]),
        delivering(None, DOWN, replace(WATCHDOG, labels={"severity": "none"})),
        # Its severity may be any, so that it may come to somebody.
        delivering(None, replace(WATCHDOG, labels={"severity": "{{ $labels.severity }}"})),
        delivering(None, alert("Unlabelled")),
    ],
    fails={
        'alerts.yaml:5 demo/Watchdog: comes to receiver nobody by route.routes[2] {severity=~"info|none"}': delivering(
            None, DOWN, WATCHDOG
        ),
        "alerts.severities info: comes to receiver nobody": delivering(severities=("page", "info")),
        "alerts.yaml:9 demo/Slow: comes to receiver team by route, which tells nobody": delivering(
            server(CONFIG.replace("  email_configs: [{to: team@example.org}]\n", "")), DOWN, SLOW, severities=()
        ),
    },
    undecided={"is no YAML": UNREAD, "configuration was not read": delivering(Alertmanager(URL))},
)
ALR_068 = Specimens(
    passes=[
        KUBERNETES,
        delivering(server(USED)),
        delivering(server(USED.replace("{severity: page}", "{team: db}")), alert("Db")),
        delivering(server(USED.replace("{severity: page}", "{job: db}"), added=()), AGGREGATED),
        delivering(server(USED.replace("{severity: page}", "{region: eu}"), added=("region",)), AGGREGATED),
        delivering(server(USED.replace("{severity: page}", "{region: eu}")), AGGREGATED),
        delivering(server(USED.replace("{severity: page}", "{job: db}"), added=(), carried=("job",)), DOWN),
        delivering(
            server(USED.replace("{severity: page}", "{ship: db}"), added=(), carried=("job",)),
            alert("Ships", 'label_replace(up, "ship", "$1", "job", "(.*)") == 0'),
        ),
    ],
    fails={
        'route.routes[2]: no alert of the declared rules comes by {severity=~"info|none"}': delivering(),
        'route.routes[1]: no alert of the declared rules comes by {severity="critical"}': delivering(
            server(USED.replace("severity: page", "severity: critical"))
        ),
        'route.routes[1]: no alert of the declared rules comes by {team="db"}': delivering(
            server(USED.replace("{severity: page}", "{team: db}"), added=()), AGGREGATED
        ),
        'route.routes[1]: no alert of the declared rules comes by {squad="db"}': delivering(
            server(USED.replace("{severity: page}", "{squad: db}"), added=(), carried=("job", "instance")), DOWN
        ),
    },
    undecided={"is no YAML": UNREAD},
)
ALR_069 = Specimens(
    passes=[
        delivering(),
        delivering(server(silences=(silence(30, ALL_PAGES),))),
        delivering(server(silences=(silence(9000, ALL_PAGES, Matcher("instance", "=", "old:9100")),))),
        delivering(server(silences=(silence(9000, ALL_PAGES, pending=True),))),
        delivering(server(silences=(silence(9000, ALL_PAGES),)), undelivered=["Down"]),
    ],
    fails={
        "silence 4f1c2d: keeps Down from being told for another 9000 days (expected an end within 90 days)": delivering(
            server(silences=(silence(9000, ALL_PAGES),))
        ),
        "keeps Down, Slow from being told": delivering(
            server(silences=(silence(91, Matcher("alertname", "=~", ".+")),))
        ),
    },
    undecided={"HTTP 403": delivering(server(silences=DARK)), "is no YAML": UNREAD},
)
