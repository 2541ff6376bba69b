"""Servers whose latency follows a law, under a load of 100 requests a second: what is measured is what they took."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor

import pytest

from seatrial.latency import histograms, intervals, trends, verdicts
from seatrial.load.plan import Call, LoadPlan
from tests.lab import laws

pytestmark = [pytest.mark.integration, pytest.mark.alone]

RATE = 100
TRIES = 3


def seconds_of(result):
    """Histograms of the judged seconds of all requests."""
    return [second["latency"] for second in result["streams"][0]["seconds"]]


def late(result):
    """How late the generator itself was, by its own account: on a busy machine that is no fault of what is measured."""
    lag = histograms.decode(result["generator"]["lag"])
    return histograms.quantile(lag, 0.99)


def measured(made, cores, folder, law, seconds):
    core, others = cores
    with laws.serving(law, folder / f"{law}.log", core=core) as server:
        plan = LoadPlan(
            name="slos.law",
            host=server.origin,
            calls=(Call("GET", "/", "GET /"),),
            rate=RATE,
            duration=seconds,
            cpus=others,
        )
        result = made(plan)
        server.over()
        return server, result


@pytest.fixture(scope="module")
def together(made, cores, tmp_path_factory):
    """Loads whose laws show through any noise are made side by side, as that takes no longer than the longest."""
    folder = tmp_path_factory.mktemp("laws")
    with ThreadPoolExecutor() as pool:
        runs = {
            law: pool.submit(measured, made, cores, folder, law, seconds)
            for law, seconds in (("stall", 8), ("drops", 5), ("warms", 22))
        }
        return {law: run.result() for law, run in runs.items()}


@pytest.mark.parametrize(
    ("law", "quantiles"),
    [("constant", (0.5, 0.95, 0.99)), ("lognormal", (0.5, 0.95, 0.99)), ("slow", (0.5, 0.95, 0.995))],
)
def test_quantiles_are_those_the_server_logged(made, cores, tmp_path, law, quantiles):
    """Within 5 %, once the generator's own lag is allowed for; a machine that is busy with other things may try again."""
    for _ in range(TRIES):
        server, result = measured(made, cores, tmp_path, law, 5)
        truth = sorted(took for _, took in server.truth())
        seen = histograms.decode(result["streams"][0]["latency"])
        assert histograms.total(seen) == len(truth) == 5 * RATE
        told = {q: (histograms.quantile(seen, q), truth[histograms.rank(len(truth), q) - 1]) for q in quantiles}
        assert all(measured_ >= 0.999 * true for measured_, true in told.values()), told
        wrong = {q: pair for q, pair in told.items() if pair[0] > 1.05 * pair[1] + late(result)}
        if not wrong:
            return
    pytest.fail(f"measured and true, in seconds: {wrong}; lag {late(result)}")


def test_a_stall_is_seen_by_all_who_came_meanwhile(together):
    """Two seconds in which nothing is answered: of a load of 8 s a quarter waits, on average for one second."""
    server, result = together["stall"]
    begin, end = server.frozen()
    known = intervals.series(seconds_of(result))
    assert known.total == 8 * RATE
    # Who comes at a time t of the stall waits for the rest of it; the others are answered in some 5 ms.
    waits = sorted([end - begin - k / RATE for k in range(int((end - begin) * RATE))], reverse=True)
    for q in (0.9, 0.95, 0.99):
        true = waits[math.floor((1 - q) * known.total)]
        assert intervals.quantile(known, q).seen == pytest.approx(true, rel=0.05)
    decided = verdicts.latency(known, 0.95, 0.200)
    assert decided.word == "missed", decided.why


def test_the_objective_decides(made, cores, tmp_path):
    """A law whose p95 is near 228 ms: far below is met, far above is missed, right at it nothing is decided."""
    for _ in range(TRIES):
        _, result = measured(made, cores, tmp_path, "lognormal", 8)
        known = intervals.series(seconds_of(result))
        true = math.exp(math.log(0.100) + 0.5 * 1.6449)
        at = verdicts.latency(known, 0.95, intervals.quantile(known, 0.95).seen)
        assert at.word == "undecided"
        words = [verdicts.latency(known, 0.95, true * factor).word for factor in (1.25, 0.75)]
        if words == ["met", "missed"]:
            return
    pytest.fail(f"{words}: {verdicts.latency(known, 0.95, true * 1.25)}")


def test_what_is_dropped_has_no_latency_and_is_counted(together):
    """Every fifth answer breaks off, and so do those that the same connection was to bring."""
    server, result = together["drops"]
    stream = result["streams"][0]
    dropped = sum(math.isnan(took) for _, took in server.truth())
    assert sum(second["failed"] for second in stream["seconds"]) == sum(stream["errors"].values())
    assert 0 < dropped <= sum(stream["errors"].values()) <= 0.5 * 5 * RATE
    failed = [second["failed"] for second in stream["seconds"]]
    each = [second["failed"] + second["right"] for second in stream["seconds"]]
    assert verdicts.errors(failed, each, 0.01).word == "missed"
    assert verdicts.latency(seconds_of(result), 0.95, 1.0, failed=failed).word == "missed"


def test_a_server_that_has_to_warm_up_is_noticed(together):
    """It takes five times as long at first; judged from the first second on, that is told."""
    _, result = together["warms"]
    settling = trends.warm_up(trends.levels(intervals.series(seconds_of(result)), 0.5))
    assert settling.index >= 2
    assert settling.first > 1.2
