"""Whether an alert arrives: by a test alert on its way to a listener of ours, and by what the Alertmanager is told to do with others."""

import pytest

ROUTES = "Alertmanager configuration: route"
WEBHOOK = "Alertmanager configuration: webhook_config"
KEEPING = "Alertmanager: inhibition, silences"


@pytest.mark.requirement("ALR-060", refs=[ROUTES])
def test_the_routing_tree_leads_the_test_alert_to_the_test_receiver(routing):
    """The routing tree MUST lead the test alert to the receiver that the profile declares for it.

    Why: a tree is read from its top, and the first route that matches ends it unless it says `continue`. One route too high, or a
    label with another value, and alerts go to somebody who does not expect them. The running configuration is read, and nothing
    is sent where it would not come to the test receiver, or to others as well.

    See: amtool --alertmanager.url=ALERTMANAGER config routes test alertname=SeatrialTest seatrial=test LABEL=VALUE

    Fix: put the route for the test alert before all others, with the labels of `alerts.test_receiver.labels` as its matchers and
    without `continue`; reload the Alertmanager, and make sure that it is this file that it runs with.
    """
    assert routing.astray == []


@pytest.mark.requirement("ALR-061", tier="write", refs=[ROUTES, WEBHOOK])
def test_the_test_alert_arrives_in_time(delivery):
    """A test alert MUST arrive at its receiver within the route's group_wait and what the profile declares beyond it.

    Why: rules that fire, and a tree that is right, are worth nothing when the last step fails: a host that does not resolve, a
    proxy, a certificate, a port. Only something that was sent shows that. The alert says that it is a test, goes to the test
    receiver alone, and is ended afterwards.

    See: amtool --alertmanager.url=ALERTMANAGER alert query seatrial=test; then look at the Alertmanager's log for the receiver's name

    Fix: let the webhook's url point to `alerts.test_receiver.listen` as the Alertmanager sees it; open the way between them.
    """
    assert delivery.late == []


@pytest.mark.requirement("ALR-062", tier="write", refs=[f"{ROUTES}, continue"])
def test_the_test_alert_arrives_once(delivery):
    """A test alert MUST arrive once.

    Why: who is called twice for each alert takes none of them seriously. Two routes that lead to the same receiver, by `continue`,
    are two notifications.

    See: amtool --alertmanager.url=ALERTMANAGER config routes show

    Fix: remove `continue` from the first of the routes, or the second route.
    """
    assert delivery.repeated == []


@pytest.mark.requirement("ALR-063", tier="write", refs=[WEBHOOK])
def test_the_test_alert_arrives_as_it_was_sent(delivery):
    """The labels and annotations of a test alert MUST arrive as they were sent.

    Why: labels lead to the right team and the right machine, and annotations say what to do. What stands between the Alertmanager
    and the receiver, an adapter or a proxy, may drop or cut them.

    See: amtool --alertmanager.url=ALERTMANAGER -o extended alert query seatrial=test

    Fix: let what stands in between pass every label and annotation on, unchanged and in UTF-8.
    """
    assert delivery.altered == []


@pytest.mark.requirement("ALR-064", tier="write", refs=[f"{WEBHOOK}, send_resolved"])
def test_the_end_of_the_test_alert_is_told(delivery):
    """The end of a test alert MUST be told within the route's group_interval and what the profile declares beyond it.

    Why: who was called is to learn that it is over. An end that is never told leaves incidents open, and the next alert in them
    unseen.

    See: amtool --alertmanager.url=ALERTMANAGER config show | grep -A3 send_resolved

    Fix: write `send_resolved: true` for the test receiver and `group_interval: 5s` for its route; let the receiver answer 200.
    """
    assert delivery.unended == []


@pytest.mark.requirement("ALR-065", tier="write", refs=[KEEPING])
def test_the_test_alert_is_not_kept_back(delivery):
    """A test alert MUST NOT be silenced, inhibited or muted.

    Why: whatever keeps back an alert that says no more than that it is a test keeps back others, too: a silence without a label that
    narrows it, an inhibition whose target is everything.

    See: amtool --alertmanager.url=ALERTMANAGER silence query; amtool --alertmanager.url=ALERTMANAGER alert query --inhibited seatrial=test

    Fix: let the silence expire, or narrow it; give the inhibition `target_matchers` and `equal` labels that say what it is about.
    """
    assert delivery.kept_back == []


@pytest.mark.requirement("ALR-066", refs=["Alertmanager: management API, high availability"])
def test_the_alertmanager_is_ready_with_the_configuration_it_was_given(alertmanager):
    """The Alertmanager MUST be ready, its cluster settled, and its last configuration loaded.

    Why: a reload that fails is one line in a log. It goes on with the old configuration until it is restarted, and then it does not
    start. A cluster that does not settle holds every notification back.

    See: curl -s ALERTMANAGER/metrics | grep config_last_reload_successful; curl -s ALERTMANAGER/api/v2/status

    Fix: run `amtool check-config FILE` before each reload, and take its exit code seriously; open the cluster's port between peers.
    """
    assert alertmanager.unready == []


@pytest.mark.requirement("ALR-067", refs=[f"{ROUTES}, receiver"])
def test_alerts_reach_somebody(alertmanager):
    """Every alert of the rule files, and every declared severity, MUST come to a receiver that tells somebody.

    Why: a receiver without an integration is a bin. It is right for what is sent to be sent, a heartbeat say; anything else in it
    was forgotten, and nobody misses an alert that never came. Labels that a rule does not fix may have any value here.

    See: amtool --alertmanager.url=ALERTMANAGER config routes test alertname=ALERT severity=SEVERITY

    Fix: add a route that matches its labels, or an integration to the receiver; declare under `alerts.undelivered` what nobody is to
    be told of.
    """
    assert alertmanager.untold == []


@pytest.mark.requirement("ALR-068", refs=[f"{ROUTES}, matchers"])
def test_routes_are_used_by_some_alert(alertmanager):
    """Every route SHOULD match some alert of the declared rule files.

    Why: a route for `severity="critical"` beside rules that say `page` matches nothing, and everything goes to the default receiver.
    It is advice, as other Prometheus servers may send to this Alertmanager.

    See: amtool --alertmanager.url=ALERTMANAGER config routes show; grep -h -A3 'labels:' RULES

    Fix: write the values that the rules have into the route, or those of the route into the rules; remove the route otherwise.
    """
    assert alertmanager.idle_routes == []


@pytest.mark.requirement("ALR-069", refs=[KEEPING])
def test_silences_end(alertmanager):
    """A silence SHOULD NOT keep a declared alert from being told for more than 90 days.

    Why: a silence is for the time of a repair. One without an end is a rule that was switched off where nobody looks.

    See: amtool --alertmanager.url=ALERTMANAGER silence query

    Fix: let it expire and mend the alert or its threshold; where nobody is to be told, remove the rule.
    """
    assert alertmanager.lasting_silences == []
