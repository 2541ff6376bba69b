"""When a load ends before its time: pure, second by second."""

from __future__ import annotations

import pytest

from seatrial.experiments._guarding_load import Guards, dead
from seatrial.experiments._progress import Progress
from seatrial.facts.experiment import Sample
from seatrial.load.plan import LoadPlan


def heard(guards: Guards, *seconds: tuple[int, int]) -> list[str]:
    """What is said after each second of so many right and failed."""
    return [
        guards.second({"at": at, "sent": right + failed, "right": right, "failed": failed})
        for at, (right, failed) in enumerate(seconds)
    ]


def test_a_target_that_answers_is_left_under_load():
    assert heard(Guards(0.5, errors=0.01, planned=6000), *[(99, 1)] * 60) == [""] * 60


def test_half_of_all_requests_must_fail_for_ten_seconds():
    said = heard(Guards(0.5), *[(100, 0)] * 10, *[(0, 100)] * 10)
    assert said[:14] == [""] * 14
    assert said[14] == "50% of requests failed over 10 s, and stop_at is 50%"


def test_a_stall_whose_requests_are_answered_late_ends_nothing():
    assert heard(Guards(0.5), *[(100, 0)] * 10, (0, 0), (0, 0), (200, 0), *[(100, 0)] * 5) == [""] * 18


def test_nothing_is_said_of_less_than_ten_seconds():
    assert heard(Guards(0.5), *[(0, 100)] * 9) == [""] * 9


def test_a_few_requests_that_all_fail_are_enough():
    assert heard(Guards(0.5), *[(0, 1)] * 10)[-1] == "100% of requests failed over 10 s, and stop_at is 50%"


def test_a_budget_that_burns():
    said = heard(Guards(0.5, errors=0.01, planned=6000), *[(100, 0)] * 10, *[(70, 30)] * 10)
    assert next(filter(None, said)) == (
        "the error budget of 1% is burnt: 120 requests failed, and 12% of requests failed over 10 s"
    )


def test_a_budget_that_is_used_up_slowly_costs_no_evidence():
    """What misses its objective by a little is measured to the end: latency is judged too."""
    assert heard(Guards(0.5, errors=0.01, planned=6000), *[(97, 3)] * 60) == [""] * 60


def test_a_strict_budget_is_not_burnt_by_one_failure():
    assert heard(Guards(0.5, errors=0.0, planned=600), *[(9, 1)] * 15) == [""] * 15


def test_users_that_ask_faster_than_they_may():
    guards = Guards(0.5, max_rate=10.0)
    assert heard(guards, (10, 0), (20, 0), (10, 0), (20, 0), (21, 0))[-2:] == [
        "",
        "21 requests were made in a second, and max_rate is 10/s",
    ]


def samples(*oks: bool, every: float = 1.0, who: str = "api-1", probe: str = "liveness") -> list[Sample]:
    return [
        Sample(at * every, probe, who, ok, 200 if ok else 0, 0.5, "" if ok else "did not answer within 1s")
        for at, ok in enumerate(oks)
    ]


def test_liveness_that_fails_in_a_row():
    wrong = samples(True, *[False] * 6)
    assert dead(wrong, 3) == "liveness of api-1 failed 6 times in a row: did not answer within 1s"


@pytest.mark.parametrize(
    "seen",
    [
        samples(*[False] * 6, True),
        samples(*[False] * 2, every=10.0),
        samples(*[False] * 4),
        samples(*[False] * 9, probe="readiness"),
        [],
    ],
    ids=["back", "too few", "too short", "not liveness", "nothing"],
)
def test_what_is_no_death(seen):
    assert dead(seen, 3) == ""


def test_one_replica_of_several_is_enough():
    assert dead([*samples(*[True] * 8, who="api-2"), *samples(*[False] * 8)], 3).startswith("liveness of api-1")


# --- progress ---------------------------------------------------------------------------------------------------------


class Reporter:
    """Pytest's, as far as it is used."""

    def __init__(self, *, isatty: bool) -> None:
        self.isatty, self.lines, self.written = isatty, [], []

    def write_line(self, line: str) -> None:
        self.lines.append(line)

    def rewrite(self, line: str, **_: bool) -> None:
        self.written.append(line)

    def write(self, text: str, **_: bool) -> None:
        self.written.append(text)


PLAN = LoadPlan("slos.read", "http://127.0.0.1:1", rate=50.0, ramp=5.0, warm_up=5.0, duration=20.0)


def told(reporter: Reporter, seconds: int) -> None:
    progress = Progress(PLAN, reporter.write_line)
    for at in range(seconds):
        progress.second({"at": at, "offered": 50, "sent": 50, "right": 49, "failed": 1, "p95": 0.0123})
    progress.done()


def test_where_lines_stay_there_is_one_every_ten_seconds():
    reporter = Reporter(isatty=False)
    told(reporter, 25)
    assert reporter.lines == [
        "  slos.read (warm-up): 50/s of 50/s, p95 12.3ms so far, 10 failed, 20s left",
        "  slos.read: 50/s of 50/s, p95 12.3ms so far, 20 failed, 10s left",
    ]


def test_on_a_terminal_one_line_is_written_anew_and_taken_away():
    reporter = Reporter(isatty=True)
    told(reporter, 3)
    assert reporter.lines == []
    assert reporter.written[0] == "  slos.read (ramp): 50/s of 50/s, p95 12.3ms so far, 1 failed, 29s left"
    assert reporter.written[3:] == ["", "\r"]


def test_users_have_no_rate_to_reach():
    progress = Progress(LoadPlan("slos.read", "", users=4, duration=20.0), print)
    assert (
        progress.line({"at": 9, "sent": 7, "p95": 0.0}) == "slos.read: 7/s by 4 users, no p95 yet, 0 failed, 10s left"
    )
