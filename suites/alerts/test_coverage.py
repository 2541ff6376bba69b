"""Whether what may fail is told by an alert, and whether the alert tells enough."""

import pytest

WORKBOOK = "Google SRE workbook: alerting on SLOs"
RULES = "Prometheus: alerting rules"


@pytest.mark.requirement("ALR-050", refs=["Google SRE book: monitoring distributed systems"])
def test_failures_are_told_by_alerts_that_exist(covered_failure):
    """Every alert that `covers` declares for a failure MUST exist.

    Why: the list of what is told is what people rely on when they go to sleep; a renamed alert leaves a gap in it that nobody
    sees until the failure comes.

    See: promtool check rules FILE, or the page /alerts of the running Prometheus

    Fix: write the alert's name as its rule has it, or write the rule.
    """
    assert covered_failure.lacking == []


@pytest.mark.requirement("ALR-051", refs=[f"{RULES}, labels"], needs="severities")
def test_alerts_have_a_declared_severity(alert_texts):
    """The label `severity` of every alert MUST be one of the severities that the profile declares.

    Why: routes go by it. An alert with another severity, or none, falls through to the default receiver, and often to nobody.

    See: grep -nE 'alert:|severity:' FILE

    Fix: write one of the declared severities, or declare the new one together with its route.
    """
    assert alert_texts.odd_severities == []


@pytest.mark.requirement(
    "ALR-052", refs=[f"{RULES}, annotations", "Prometheus: alerting practices", "pint alerts/annotation"]
)
def test_alerts_say_what_has_happened(alert_texts):
    """Every alert SHOULD have a severity, a summary and a description.

    Why: it is read at three in the morning, on a phone, by somebody who has not written it.

    See: grep -nE 'alert:|severity:|summary:|description:' FILE

    Fix: add the label severity; add the annotations summary, one line of what has happened, and description, what it means and
    where to look.
    """
    assert alert_texts.untold == []


@pytest.mark.requirement(
    "ALR-053", refs=["Prometheus monitoring mixins: runbook_url", "Google SRE workbook: on-call, playbooks"]
)
def test_alerts_lead_to_a_runbook(alert_texts):
    """Every alert SHOULD have the annotation `runbook_url`, an absolute URL.

    Why: what was learned the last time saves the first half hour of the next; a path without a host can't be opened from a phone.

    See: grep -nE 'alert:|runbook_url:' FILE

    Fix: write down what to do, where everybody on call can open it, and give its address with https:// in `runbook_url`.
    """
    assert alert_texts.without_runbook == []


@pytest.mark.requirement("ALR-054", refs=[f"{RULES}, for", "Prometheus: alerting practices"])
def test_alerts_wait_out_a_single_scrape(alert_texts):
    """An alert on what one scrape gave SHOULD have a `for`.

    Why: one lost scrape or one odd sample wakes somebody for nothing, and after the third time nobody looks any more.

    See: grep -nE 'alert:|expr:|for:' FILE

    Fix: add `for:` of some scrapes. Where it is meant to ring at once, say so: declare its meaning in `alerts.means`, without
    `for`.
    """
    assert alert_texts.hasty == []


@pytest.mark.requirement("ALR-055", refs=[WORKBOOK])
def test_objectives_are_told_by_alerts_that_exist(burn_alert):
    """Every alert that `objectives` declares for an objective MUST exist.

    Why: an objective that nothing rings for is spent without anybody knowing.

    See: promtool check rules FILE, or the page /alerts of the running Prometheus

    Fix: write the alert's name as its rule has it, and the objective's as `slos` has it; or write the rule.
    """
    assert burn_alert.lacking == []


@pytest.mark.requirement("ALR-056", refs=[f"{WORKBOOK}, multiwindow, multi-burn-rate alerts"])
def test_objectives_have_a_burn_rate_alert(objective_alert):
    """Every objective SHOULD have an alert that looks at the same share through a long and a short window.

    Why: through a short window alone it rings for every spike; through a long one alone it rings late, and goes on long after
    the trouble is over.

    See: grep -n -A6 'alert:' FILE

    Fix: write `SHARE[1h] > 14.4 * BUDGET and SHARE[5m] > 14.4 * BUDGET`, BUDGET being what the objective allows, and name the
    alert in `alerts.objectives`.
    """
    assert objective_alert.unguarded == []


@pytest.mark.requirement(
    "ALR-057", refs=["Prometheus: alerting practices, metamonitoring", "Prometheus: jobs and instances, up"]
)
def test_targets_that_go_down_are_told(watched_jobs):
    """When the targets of a scrape job go down, an alert MUST fire.

    Why: of what is not scraped there is nothing to compare any more, so that every other alert on it falls silent.

    See: promtool test rules, with `up{job="JOB"}` of 1x10 0x60

    Fix: write an alert `up{job="JOB"} == 0` with a `for`, or `up == 0` for every job at once.
    """
    assert watched_jobs.unwatched_down == []


@pytest.mark.requirement("ALR-058", refs=["Prometheus querying functions: absent", "pint promql/series"])
def test_targets_that_vanish_are_told(watched_jobs):
    """When the targets of a scrape job vanish, an alert SHOULD fire.

    Why: a target that left the discovery has no `up` to be 0; a rule that waits for 0 waits for ever.

    See: promtool test rules, with `up{job="JOB"}` of 1x10 stale

    Fix: add `or absent(up{job="JOB"})` to the alert on `up` of that job.
    """
    assert watched_jobs.unwatched_vanished == []


@pytest.mark.requirement("ALR-059", refs=["Google SRE book: monitoring distributed systems"])
def test_measured_services_have_an_alert(measured_service):
    """Every service that has metrics SHOULD have an alert that reads one of them.

    Why: metrics that only a dashboard shows are seen by whoever looks, and at night nobody does.

    See: curl -s URL | grep -v '^#', and grep -n 'expr:' FILE

    Fix: write an alert on whether it is up, and on what its users see: errors, and how long they wait.
    """
    assert measured_service.unwatched == []
