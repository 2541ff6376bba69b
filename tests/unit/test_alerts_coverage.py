"""What alerts cover: shapes of expressions, targets that vanish by real evaluation, and how far each alert has come."""

from __future__ import annotations

import shutil
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from seatrial.alert_coverage import alert_coverage
from seatrial.drivers import Session
from seatrial.facts.alerts.coverage import JobWatched
from seatrial.facts.alerts.coverage_judged import AlertTexts, CoveredFailure
from seatrial.facts.alerts.coverage_known import Known
from seatrial.facts.alerts.coverage_services import matches
from seatrial.facts.alerts.coverage_shapes import burning, looks_of, momentary, windows_told
from seatrial.facts.alerts.evaluation import Evaluation, Evaluations
from seatrial.facts.alerts.monitoring import LoadedRule, Monitoring, ScrapeTarget
from seatrial.facts.alerts.rules import Group, Problem, Rule, RuleFile
from seatrial.looks.vanishing import tried
from seatrial.outcomes import Level, Outcome
from seatrial.profile.alerting import Alerts
from seatrial.promql.reading import Unreadable
from seatrial.record import Check, Rung
from seatrial.words import CouldNotLook, Missing
from seatrial.writers import _grouping as grouping
from seatrial.writers import conformance, html, markdown
from tests.unit.records import RECORD


def alert(name, expr, lasting=60.0, group="fleet", **labels):
    return Rule("alert", name, group, expr, labels, {}, lasting, line=3)


def record(name, expr):
    return Rule("record", name, "fleet", expr)


def file(*rules, path="fleet.yaml", problems=()):
    return RuleFile(path, (Group("fleet", rules),) if rules else (), tuple(problems))


# --- shapes -------------------------------------------------------------------------------------------------------------

SETTLED = [  # as kube-prometheus and exporters' mixins have them without `for`
    "histogram_quantile(0.01, sum without (namespace) (rate(apiserver_client_certificate_expiration_seconds_bucket[5m]))) < 604800",
    'node_md_disks{state="failed",device!=""} > 0',
    "node_textfile_scrape_error == 1",
    "changes(etcd_server_leader_changes_seen_total[15m]) >= 4",
    'ALERTS{alertname!="InfoInhibitor", severity="info"} == 1 unless on (namespace) ALERTS{severity=~"warning|critical"} == 1',
    "vector(1)",
    "absent(up{job='kube-scheduler'} == 1)",
    "time() - max by (job) (backup_last_success_timestamp_seconds) > 90000",
    "(time() - x509_cert_not_after) / 86400 > -14",
    "predict_linear(node_filesystem_avail_bytes[6h], 86400) < 0",
    "max_over_time(queue_length[10m]) > 100",
    "min_over_time((queue_length > bool 3)[10m:1m]) == 1",
    "cluster:node_cpu:ratio > 0.95",
    "prometheus_tsdb_head_series - prometheus_tsdb_head_series offset 1h > 100000",
    "config_hash != on (pod) group_left config_hash_wanted",
    "count by (version) (build_info) > 1",
    "certificates_expired > 0",
    "degraded == bool 1",
    "rate(x[5m]",
]  # fmt: skip


@pytest.mark.parametrize("expr", SETTLED)
def test_what_has_lasted_or_is_a_state_needs_no_for(expr):
    assert momentary(expr) is None


@pytest.mark.parametrize(
    ("expr", "said"),
    [
        ("up == 0", "up == 0"),
        ("sum by (job) (up) < 1", "sum by (job) (up) < 1"),
        ("0.9 < process_open_fds / process_max_fds", "0.9 < process_open_fds / process_max_fds"),
        ("(probe_success != 1) and on () maintenance", "probe_success != 1"),
        ("node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes * 100 < 10", None),
    ],
)
def test_what_one_scrape_gives_needs_a_for(expr, said):
    start, end = momentary(expr)
    assert expr[start:end] == (said or expr)


def test_windows_are_told_in_words():
    def told(expr):
        return windows_told(looks_of(expr, {}))

    assert told("rate(a[5m]) > 1") == "one window, 5m"
    assert told("a > 1") == "no window: it looks at one moment"
    assert told("rate(a[5m]) > 1 or rate(a[1h]) > 1") == "5m and 1h, not joined by `and`"
    assert told("rate(a[5m]) > 1 and rate(b[1h]) > 1 and rate(c[1d]) > 1") == "5m, 1h and 1d, of different things"


def test_recording_rules_are_followed_and_an_endless_chain_of_them_ends():
    records = {"e:long": ["e:base:1h"], "e:base:1h": ["sum(rate(e[1h]))"], "e:short": ["sum(rate(e[5m]))"]}
    assert burning(looks_of("e:long > 1 and e:short > 1", records)) is True
    assert burning(looks_of("e:long > 1 and f > 1", records)) is None
    assert burning(looks_of("a > 1 and b > 1", {"a": ["b"], "b": ["a"]})) is None
    assert burning(looks_of("a > 1 and b > 1", {"a": ["sum((("], "b": ["sum((("]})) is None


def test_huge_and_hostile_input_is_bounded():
    began = time.monotonic()
    assert momentary("(" * 500_000 + "up" + ")" * 500_000 + " == 0") is None
    assert momentary("+".join(["up"] * 300_000)) is None
    with pytest.raises(Unreadable):
        looks_of(" and ".join(["rate(a[5m])"] * 100_000), {})
    assert matches((("job", "=~", "(a+)+$"),), {"job": "a" * 200 + "!"}) is True  # not tried
    assert matches((("job", "=~", "a(?!b)"),), {"job": "c"}) is True
    rules = tuple(alert(f"A{n}", f"metric_{n} > {n + 2}", 0.0) for n in range(10_000))
    texts = AlertTexts("fleet.yaml", file(*rules), Alerts())
    assert len(texts.untold) == len(texts.without_runbook) == len(texts.hasty) == 10_000
    known = Known({"fleet.yaml": file(*rules)})
    assert "the nearest is A9999" in CoveredFailure("covers.x", "x", ("a9999",), known).lacking[0].seen
    assert time.monotonic() - began < 30


# --- targets that vanish ------------------------------------------------------------------------------------------------


def target(job, instance, **labels):
    labels = {"job": job, "instance": instance, **labels}
    return ScrapeTarget(job, instance, f"http://{instance}/metrics", "up", labels=labels)


APP = [target("app", f"app-{n}:80", zone="a") for n in (1, 2)]
DB = [target("db", "db:5432")]


def watched(*rules, targets=(*APP, *DB), **exposed):
    """By job: what tells that it is down, and that it has vanished."""
    if not shutil.which("promtool"):
        pytest.skip("promtool is not installed")
    session = Session(SimpleNamespace(alerts=Alerts()), Path(), str)
    made = tried(session, rules, targets, {name: frozenset(jobs) for name, jobs in exposed.items()})
    return {job.job: (telling(job.down), telling(job.vanished)) for job in made.jobs}


def telling(tried_):
    assert not isinstance(tried_, Missing), tried_
    return [each.alert.partition("/")[2] for each in tried_ if each.tells]


def test_what_tells_of_a_job_is_found_by_evaluation():
    assert watched(
        alert("AppDown", 'up{job="app"} == 0'),
        alert("AppGone", 'absent(up{job="app", zone="a"})'),
        alert("TargetDown", "100 * (count by (job) (up == 0) / count by (job) (up)) > 10", 600.0),
        alert("Fewer", "count by (job) (up) < count by (job) (up offset 10m)", 0.0),
    ) == {
        "app": (["AppDown", "TargetDown"], ["AppGone"]),
        "db": (["TargetDown"], []),
    }


def test_recording_rules_and_long_windows_are_evaluated_with_it():
    rules = [
        record("job:up:avg", "avg by (job) (up)"),
        alert("Worse", "job:up:avg < 0.5", 120.0),
        alert("Flaky", 'avg_over_time(up{job="db"}[2h]) < 0.95', 300.0),
    ]
    assert watched(*rules) == {"app": (["Worse"], []), "db": (["Worse", "Flaky"], [])} or watched(*rules) == {
        "app": (["Worse"], []),
        "db": (["Flaky", "Worse"], []),
    }


def test_an_alert_that_always_fires_or_waits_for_something_else_tells_nothing():
    assert watched(
        alert("Always", "vector(1) and on () up"),
        alert("Elsewhere", 'up{job="app", zone="b"} == 0'),
        alert("Never", "up == 2"),
        alert("Other", "rate(calls_total[5m]) > 10"),
    ) == {"app": ([], []), "db": ([], [])}


def test_the_absence_of_a_metric_tells_of_the_job_that_has_it():
    rules = [
        alert("NoCalls", "absent(calls_total)"),
        alert("NoQueries", 'absent(queries_total{job="db", kind="read"})'),
    ]
    assert watched(*rules, calls_total=["app"]) == {
        "app": (["NoCalls"], ["NoCalls"]),
        "db": (["NoQueries"], ["NoQueries"]),
    }
    assert watched(rules[0]) == {"app": ([], []), "db": ([], [])}  # whose metric it is is not known


def test_a_job_that_nobody_looks_at_is_told_without_a_single_evaluation():
    session = Session(SimpleNamespace(alerts=Alerts()), Path(), str)
    made = tried(session, [alert("Slow", "rate(calls_total[5m]) > 10")], DB, {})
    assert made.jobs == (JobWatched("db", 1, 900.0, (), ()),)
    assert session.calls == {}


def test_an_alert_that_waits_for_days_is_not_decided():
    if not shutil.which("promtool"):
        pytest.skip("promtool is not installed")
    session = Session(SimpleNamespace(alerts=Alerts()), Path(), str)
    slow, quick = alert("Slow", "up == 0", 3 * 86400.0), alert("Day", "up == 0", 86400.0)
    assert tried(session, [slow], DB, {}).jobs[0].down == Missing("fleet/Slow takes longer than 1d2h to tell")
    assert telling(tried(session, [slow, quick], DB, {}).jobs[0].down) == ["Day"]


def test_very_many_jobs_are_not_all_tried():
    session = Session(SimpleNamespace(alerts=Alerts()), Path(), str)
    made = tried(session, [], [target(f"job-{n}", f"host-{n}:80") for n in range(300)], {})
    assert (len(made.jobs), made.left_out) == (100, 200)


# --- how far each alert has come ----------------------------------------------------------------------------------------


def check(id, subject, raw=Outcome.passed, seen=(), level=Level.MUST):
    return Check(id, level, "alerts", "", "", subject, raw, seen=seen, raw=raw)


def trial(files, *, monitoring=None, evaluations=None, **declared):
    """A run as far as its alerts go."""
    profile = SimpleNamespace(alerts=Alerts.model_construct(**{**Alerts().model_dump(), **declared}))
    observations = SimpleNamespace(rules=files, monitoring=monitoring or {}, evaluations=evaluations or {})
    return SimpleNamespace(profile=profile, observations=observations, mask=lambda text: text.replace("hush", "***"))


DOWN, SLOW = alert("Down", "up == 0"), alert("Slow", "calls:slow > 1")
FILES = {"fleet.yaml": file(DOWN, SLOW, record("calls:slow", "calls"))}


def rungs(found):
    return {each.name: {rung.name: (rung.state, rung.by) for rung in each.rungs} for each in found.alerts}


def test_a_finding_about_one_alert_keeps_that_one_back():
    found = alert_coverage(
        trial(FILES, covers={"it is gone": "Down", "it is slow": ["Slow"]}, objectives={"read": "Slow"}),
        [
            check("ALR-001", "fleet.yaml"),
            check(
                "ALR-020", "fleet.yaml", Outcome.violation, ("fleet.yaml:3:1 fleet/Slow: `calls:slow`: there is none",)
            ),
            check("ALR-030", "fleet.yaml", Outcome.violation, ("fleet.yaml:9 fleet/calls:slow: odd",)),
            check("ALR-042", "alerts.Down"),
            check("ALR-012", "alerts.prometheus", Outcome.error),
        ],
    )
    assert rungs(found) == {
        "Down": {
            "loads": ("unknown", ("ALR-012",)),
            "refers": ("yes", ("ALR-020", "ALR-030")),
            "fires": ("yes", ("ALR-042",)),
            "arrives": ("unasked", ()),
        },
        "Slow": {
            "loads": ("unknown", ("ALR-012",)),
            "refers": ("no", ("ALR-020",)),
            "fires": ("unasked", ()),
            "arrives": ("unasked", ()),
        },
    }
    # Slow refers to what is not there, so that nobody is told; whether Down is loaded could not be looked at.
    assert [each.state for each in found.failures] == ["unknown", "no"]
    assert (found.stop("Slow"), found.stop("Down")) == ("refers", "")
    assert (found.untold, found.aimless, found.missing, found.unread) == (("it is slow",), (), (), ())
    assert [each.objectives for each in found.alerts] == [(), ("read",)]


def test_a_finding_about_no_alert_in_particular_is_about_all():
    found = alert_coverage(
        trial(FILES), [check("ALR-014", "alerts.prometheus", Outcome.violation, ("its last reload was refused",))]
    )
    assert {each["loads"] for each in rungs(found).values()} == {("no", ("ALR-014",))}
    assert found.aimless == ("Down", "Slow")


def test_an_advisory_keeps_nothing_back_and_a_waived_violation_does():
    found = alert_coverage(
        trial(FILES),
        [
            check("ALR-022", "fleet.yaml", Outcome.advisory, ("fleet/Down: odd",)),
            check("ALR-001", "fleet.yaml", Outcome.violation, ("fleet/Slow: odd",)),
        ],
    )
    assert rungs(found)["Down"]["refers"] == ("yes", ("ALR-022",))
    assert rungs(found)["Slow"]["loads"][0] == "no"


def test_nothing_arrives_where_none_was_sent():
    configured = [check("ALR-018", "alerts.prometheus"), check("ALR-067", "alerts.alertmanager")]
    assert {each["arrives"][0] for each in rungs(alert_coverage(trial(FILES), configured)).values()} == {"unasked"}
    sent = [*configured, check("ALR-061", "alerts.delivery")]
    assert {each["arrives"][0] for each in rungs(alert_coverage(trial(FILES), sent)).values()} == {"yes"}


def test_what_was_evaluated_by_its_texts_counts_for_itself():
    made = (Evaluation("Down", "", (DOWN,)), Evaluation("Slow", "", (SLOW,), undecided="shape x"))
    facts = {"fleet.yaml": Evaluations(made)}
    checks = [check("ALR-048", "fleet.yaml", Outcome.error)]
    found = rungs(alert_coverage(trial(FILES, evaluations=facts), checks))
    assert (found["Down"]["fires"][0], found["Slow"]["fires"][0]) == ("yes", "unknown")
    found = rungs(alert_coverage(trial(FILES, evaluations={"fleet.yaml": Evaluations((), ("Down",))}), checks))
    assert {each["fires"] for each in found.values()} == {("unasked", ())}


def test_failures_are_told_by_what_is_there_and_unknown_where_it_could_not_be_read():
    covers = {"gone": "Down", "full": ["Full", "Fuller"], "late": "OnServer"}
    server = {"alerts.prometheus": Monitoring("http://p", rules=(LoadedRule("alert", "OnServer", "g", "f", "up"),))}
    ours = [check("ALR-050", "covers.gone")]
    found = alert_coverage(trial(FILES, covers=covers, monitoring=server), ours)
    assert [each.state for each in found.failures] == ["yes", "no", "yes"]
    assert (found.untold, found.missing) == (("full",), ("Full", "Fuller"))
    for unreadable, told in (
        (Missing("hush: permission denied"), "more.yaml: ***: permission denied"),
        (file(problems=[Problem("yaml", "line 3: a tab")]), "more.yaml: line 3: a tab"),
    ):
        found = alert_coverage(trial(FILES | {"more.yaml": unreadable}, covers=covers), ours)
        assert [each.state for each in found.failures] == ["yes", "unknown", "unknown"]
        assert (found.unread, found.missing, found.untold) == ((told,), (), ())


def test_services_without_an_alert_are_listed():
    silent = check("ALR-059", "api.metrics", Outcome.advisory, ("api: no alert",), Level.SHOULD)
    assert alert_coverage(trial(FILES), [silent]).silent_services == ("api",)


def test_without_alerts_or_checks_of_them_there_is_no_coverage():
    assert alert_coverage(SimpleNamespace(profile=SimpleNamespace(alerts=None)), []) is None
    assert alert_coverage(trial(FILES), [check("MET-001", "api.metrics").__class__(
        "MET-001", Level.MUST, "metrics", "", "", "api.metrics", Outcome.passed)]) is None  # fmt: skip


def test_ten_thousand_alerts_are_judged_in_a_moment():
    rules = tuple(alert(f"A{n}", "up == 0") for n in range(10_000))
    seen = tuple(f"fleet.yaml:1 fleet/A{n}: odd" for n in range(0, 10_000, 2))
    checks = [check(f"ALR-0{n}", "fleet.yaml", Outcome.violation, seen) for n in range(10, 45)]
    began = time.monotonic()
    found = alert_coverage(trial({"fleet.yaml": file(*rules)}), checks)
    assert time.monotonic() - began < 20
    assert found.reach("refers") == 5_000
    assert found.alerts[0].rungs[0] == Rung("loads", "no", tuple(f"ALR-0{n}" for n in range(10, 15)))


def test_an_alert_of_any_name_is_found_in_what_was_seen():
    odd = alert("Disk is full!", "disk > 1")
    found = alert_coverage(
        trial({"fleet.yaml": file(DOWN, odd)}),
        [check("ALR-001", "fleet.yaml", Outcome.violation, ("fleet/Disk is full!: odd",))],
    )
    assert [each.rungs[0].state for each in found.alerts] == ["yes", "no"]


def test_an_unread_file_is_undecided_and_never_a_verdict():
    with pytest.raises(CouldNotLook, match="a tab"):
        _ = AlertTexts("fleet.yaml", file(problems=[Problem("yaml", "line 3: a tab")]), Alerts()).untold


# --- in the reports -----------------------------------------------------------------------------------------------------


def test_every_report_tells_the_same_of_alerts(tmp_path):
    said = (
        "1 of 3 failures told; 2 alerts, 2 load, 1 refer, 1 fire, 1 arrive; told by none: the disk | is full; "
        "not there: DiskFull; for no declared failure: Odd; services without any: redis; not read: more.yaml: permission denied"
    )
    assert grouping.alerts(RECORD.alerts) == said
    assert said in html.write(RECORD, tmp_path)
    text = markdown.write(RECORD, tmp_path)
    assert "- ✕ the disk \\| is full: `DiskFull` (there is no such alert)" in text
    assert "- ? it is slow: `Slow`, `Late`" in text
    told = conformance.document(RECORD)["alerts"]
    assert told["failures_untold"] == ["the disk | is full"]
    assert told["alerts"][0]["rungs"]["refers"] == {"state": "no", "by": ["ALR-020"]}


def test_names_of_alerts_are_text_and_nothing_else(tmp_path):
    nasty = "<script>x</script>\x1b[31m`](http://x)"
    alerts = replace(
        RECORD.alerts, alerts=(replace(RECORD.alerts.alerts[0], name=nasty, group=nasty, failures=(nasty,)),)
    )
    page = html.write(replace(RECORD, alerts=replace(alerts, missing=(nasty,))), tmp_path)
    assert "<script" not in page
    assert "\x1b" not in page + markdown.write(replace(RECORD, alerts=replace(alerts, missing=(nasty,))), tmp_path)


def test_a_run_without_alerts_says_nothing_of_them(tmp_path):
    record = replace(RECORD, alerts=None)
    assert conformance.document(record)["alerts"] is None
    assert 'id="alerts"' not in html.write(record, tmp_path)
    assert "### Alerts" not in markdown.write(record, tmp_path)
