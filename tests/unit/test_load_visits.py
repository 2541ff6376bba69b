"""Visits as generators: what they ask, what they are given, and what of it counts. Against a client that answers at once."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from time import perf_counter, sleep
from typing import Any

import pytest

from seatrial.load import visits
from seatrial.load.arrivals import Schedule
from seatrial.load.calls import checker, journey, single
from seatrial.load.journeys import NoAnswer, Pause, Request, Wrong
from seatrial.load.plan import Call, LoadPlan
from seatrial.load.recording import Joined, Recorder, quantile
from seatrial.load.singles import Single
from seatrial.load.visitors import Seat, Wheel
from seatrial.load.visits import Loop
from seatrial.load.wire.unread import Unread


@dataclass
class Asked:
    token: Any
    intended: float
    request: bytes
    sent: float
    ended: float = 0.0
    status: int = 200
    head: bytes = b"HTTP/1.1 200 OK\r\n\r\n"
    body: bytes = b'{"id": 7}'
    failure: str = ""


@dataclass
class Client:
    """Answers as `answers` says for a path, after `takes` seconds."""

    answers: Any = None
    takes: float = 0.0
    waited: int = 0
    most_open: int = 1
    repeated: int = 0
    unread: Unread = field(default_factory=Unread)
    asked: list[Asked] = field(default_factory=list)
    out: list[Asked] = field(default_factory=list)

    def send(self, request: bytes, intended: float, token: Any, timeout: float | None = None) -> None:
        made = Asked(token, intended, request, perf_counter())
        self.asked.append(made)
        self.out.append(made)

    def poll(self, wait: float) -> list[Asked]:
        now = perf_counter()
        over = [each for each in self.out if each.sent + self.takes <= now]
        if not over:
            sleep(min(wait, 0.001))
            return []
        self.out = [each for each in self.out if each not in over]
        for each in over:
            each.ended = now
            if self.answers:
                self.answers(each)
        return over

    def close(self) -> None:
        self.out.clear()


def encode(method, path, headers=None, body=None, origin=""):
    return f"{method} {path} {body.decode() if body else ''}".encode()


def made(*journeys, rate=100.0, lasts=0.1, users=0, client=None, kind=Loop, **options):
    """A load that is over, what it counted, and what was asked."""
    client = client or Client()
    recorder = Recorder(perf_counter() + 0.01, lasts=lasts)
    wheel = Wheel([(each, 1.0, {"prepared": True}) for each in journeys], 1) if journeys else None
    loop = kind(
        recorder, client=lambda origin: client, encode=encode, origin="http://t",
        arrivals=None if users else Schedule(rate, lasts=lasts).times(), wheel=wheel, lasts=lasts, timeout=1.0, token="t-",
        **options,
    )  # fmt: skip
    for _ in range(users):
        loop.sit(Seat(wheel), perf_counter())
    loop.run()
    joined = Joined()
    joined.add(recorder.news())
    return loop, {each["name"]: each for each in joined.told()}, client, joined


def count(stream: dict[str, Any]) -> tuple[int, int, int]:
    seconds = stream["seconds"]
    return sum(s["offered"] for s in seconds), sum(s["right"] for s in seconds), sum(s["failed"] for s in seconds)


def get(visit):
    yield Request("GET", "/x")


def test_each_arrival_is_a_visit_and_the_load_lasts_as_long_as_it_should():
    before = perf_counter()
    loop, streams, client, _ = made(get)
    assert count(streams[""]) == (10, 10, 0)
    assert list(streams) == ["", "GET /x"]
    assert len(client.asked) == 10
    assert perf_counter() - before >= 0.1
    assert (loop.over, loop.why) == (True, "")


def test_arrivals_do_not_wait_for_answers():
    _, streams, client, joined = made(get, client=Client(takes=0.3))
    # All were asked long before the first was answered.
    assert client.asked[-1].sent < client.asked[0].ended
    assert count(streams[""]) == (10, 10, 0)
    assert quantile(joined.latency, 0.0) >= 0.3


def test_a_generator_that_is_late_says_so_and_counts_from_when_it_was_due():
    stalled = iter([lambda: sleep(0.2)])
    _, streams, _, joined = made(get, rate=200, lasts=0.3, rest=lambda: next(stalled, lambda: None)())
    assert count(streams[""]) == (60, 60, 0)
    assert quantile(joined.lag, 1.0) > 0.1
    assert quantile(joined.latency, 1.0) > 0.1


def test_answers_are_given_to_the_visit_and_names_are_what_it_says():
    seen = []

    def note(visit):
        answer = yield Request("POST", "/notes?x=1", json={"text": visit.token})
        seen.append((answer.status, answer.json()["id"], answer.seconds >= 0, visit.data))
        yield Pause(0.01)
        yield Request("GET", "/notes/7", name="GET /notes/{id}")

    _, streams, client, _ = made(note, rate=20)
    assert seen == [(200, 7, True, {"prepared": True})] * 2
    assert {name: count(stream) for name, stream in streams.items()} == {
        "": (4, 4, 0), "POST /notes": (2, 2, 0), "GET /notes/{id}": (2, 2, 0),
    }  # fmt: skip
    assert client.asked[0].request == b'POST /notes?x=1 {"text": "t-0"}'
    assert {each.request for each in client.asked if b"POST" in each.request} == {
        b'POST /notes?x=1 {"text": "t-0"}', b'POST /notes?x=1 {"text": "t-1"}',
    }  # fmt: skip


def test_what_is_asked_after_an_answer_counts_from_that_answer_and_the_pause():
    def two(visit):
        yield Request("GET", "/a")
        yield Pause(0.05)
        yield Request("GET", "/b")

    _, _, client, _ = made(two, rate=10, client=Client(takes=0.02))
    first, second = client.asked
    assert second.intended == pytest.approx(first.ended + 0.05)


def test_a_wrong_answer_fails_the_request_that_it_answers():
    def wrong(visit):
        answer = yield Request("GET", "/x")
        if b"7" in answer.body:
            raise Wrong("what was written is not read back")

    _, streams, _, _ = made(wrong)
    assert count(streams["GET /x"]) == (10, 0, 10)
    assert streams["GET /x"]["errors"] == {"what was written is not read back": 10}


def failing(**told):
    def answer(each):
        for name, value in told.items():
            setattr(each, name, value)

    return Client(answers=answer)


@pytest.mark.parametrize(
    ("told", "kind"), [({"status": 503}, "HTTP 503"), ({"failure": "refused", "status": 0}, "refused")]
)
def test_a_wrong_status_and_no_answer_end_the_visit(told, kind):
    def two(visit):
        yield Request("GET", "/x")
        yield Request("GET", "/never")

    _, streams, _, _ = made(two, client=failing(**told))
    assert streams[""]["errors"] == {kind: 10}
    assert list(streams) == ["", "GET /x"]


def test_a_visit_may_catch_what_went_wrong_and_tidy_up():
    caught = []

    def tidy(visit):
        try:
            yield Request("GET", "/x")
        except NoAnswer as error:
            caught.append(str(error))
        yield Request("DELETE", "/x", counted=False)

    loop, streams, client, _ = made(tidy, rate=20, client=failing(failure="timed out"))
    assert caught == ["timed out"] * 2
    assert [each.request for each in client.asked].count(b"DELETE /x ") == 2
    assert count(streams[""]) == (2, 0, 2)
    assert loop.left == 2


def test_what_was_wrong_counts_although_it_tidied_up_before_it_said_so():
    def careful(visit):
        try:
            answer = yield Request("GET", "/x")
            if answer.status == 200:
                raise Wrong("not read back")
        finally:
            yield Request("DELETE", "/x", counted=False)

    _, streams, client, _ = made(careful, rate=20)
    assert streams[""]["errors"] == {"not read back": 2}
    assert len(client.asked) == 4


def test_an_answer_stays_right_when_tidying_up_after_it_fails():
    def careful(visit):
        try:
            yield Request("GET", "/x")
        finally:
            yield Request("DELETE", "/x", counted=False)

    client = Client(answers=lambda each: setattr(each, "status", 500 if b"DELETE" in each.request else 200))
    loop, streams, _, _ = made(careful, rate=20, client=client)
    assert count(streams[""]) == (2, 2, 0)
    assert loop.left == 2


def test_a_mistake_in_a_journey_is_a_failure_and_no_end_of_the_load():
    def mistaken(visit):
        answer = yield Request("GET", "/x")
        answer.json()["nothing"]

    told = []
    _, streams, _, _ = made(mistaken, amiss=told.append)
    assert streams["GET /x"]["errors"] == {"KeyError: 'nothing'": 10}
    assert {type(error) for error in told} == {KeyError}


def test_a_journey_that_fails_before_it_asks_is_told_by_its_own_name():
    def never(visit):
        raise Wrong("no data")
        yield

    _, streams, _, _ = made(never)
    assert streams["never"]["errors"] == {"no data": 10}


def test_a_visit_that_asks_forever_is_left_at_the_end(monkeypatch):
    monkeypatch.setattr(visits, "DRAIN", -0.8)

    def forever(visit):
        for _ in itertools.count():
            try:
                yield Request("GET", "/x", counted=False)
            except GeneratorExit:
                yield Request("GET", "/still", counted=False)

    loop, _, _, _ = made(forever, rate=10, lasts=0.1, client=Client(takes=60.0))
    assert loop.over


def test_never_more_requests_than_allowed():
    loop, streams, client, _ = made(get, rate=500, budget=7)
    assert len(client.asked) == 7
    assert "max_requests" in loop.why
    assert count(streams[""])[1] == 7


def test_a_visit_that_could_not_be_ended_is_not_begun():
    def two(visit):
        yield Request("GET", "/a")
        yield Request("GET", "/b")

    # Answers come after all have arrived: what the visits still need is kept for them.
    _, streams, client, _ = made(two, rate=500, budget=7, longest=2, client=Client(takes=0.05))
    assert [each.request for each in client.asked] == [b"GET /a "] * 3 + [b"GET /b "] * 3
    assert count(streams["GET /a"]) == (3, 3, 0)


def test_users_of_a_closed_loop_wait_for_their_answers():
    loop, _, client, _ = made(get, users=3, lasts=0.3, client=Client(takes=0.05), pause=0.05)
    assert 6 <= len(client.asked) <= 3 * 4
    assert loop.why == ""


def test_a_user_who_asks_nothing_does_not_spin():
    begun = []

    def nothing(visit):
        begun.append(visit.number)
        return
        yield

    made(nothing, users=1, lasts=0.2)
    assert len(begun) < 30


def test_chance_and_the_mix_are_the_same_for_the_same_seed():
    drawn: list[tuple[int, float]] = []

    def chance(visit):
        drawn.append((visit.number, visit.random.random()))
        yield Request("GET", "/x")

    made(chance, rate=50)
    made(chance, rate=50)
    assert drawn[:5] == drawn[5:]
    assert len({value for _, value in drawn}) == 5


def test_journeys_are_made_in_proportion_to_their_weights():
    wheel = Wheel([("rare", 1, {}), ("often", 9, {})], seed=3)
    picked = [wheel.pick(number)[0] for number in range(1000)]
    assert picked.count("rare") == pytest.approx(100, abs=5)
    assert picked[:40].count("rare") >= 2


# Declared calls


def plan(*calls, sentinel=""):
    return LoadPlan("slos.x", "http://t", calls=calls, sentinel=sentinel)


READ = Call("GET", "/x", "GET /x", needs='{"id": 7}')


def test_one_call_that_is_always_the_same_is_made_without_visits():
    _, streams, client, _ = made(kind=Single, call=READ)
    assert count(streams["GET /x"]) == (10, 10, 0)
    assert len(client.asked) == 10


def test_and_each_of_its_answers_is_looked_at():
    kinds = itertools.cycle([{"body": b'{"id": 8}'}, {"body": b"<html>"}, {"status": 500}, {"failure": "refused"}, {}])

    def answer(each):
        for name, value in next(kinds).items():
            setattr(each, name, value)

    _, streams, _, _ = made(kind=Single, call=READ, client=Client(answers=answer))
    assert streams[""]["errors"] == {
        "id is not what it must be": 2, "the body is no JSON": 2, "HTTP 500": 2, "refused": 2,
    }  # fmt: skip
    assert count(streams[""]) == (10, 2, 8)


def test_a_single_call_keeps_its_bound_too():
    loop, _, client, _ = made(kind=Single, call=READ, budget=3)
    assert len(client.asked) == 3
    assert "max_requests" in loop.why


def test_a_single_call_has_a_token_of_its_own_each_time_where_it_is_to_have_one():
    call = Call("PUT", "/n/SEA", "PUT /n", headers={"X-Id": "SEA"}, body='{"id": "SEA"}', needs="is SEA")

    def answer(each):
        told = each.request.split()[1].rpartition(b"/")[2]
        each.body = b"is " + (told if len(client.asked) != 3 else b"t-000000099")

    client = Client(answers=answer)
    _, streams, _, _ = made(kind=Single, call=call, sentinel="SEA", client=client)
    assert streams[""]["errors"] == {"the body does not hold what it must": 1}
    assert count(streams["PUT /n"]) == (10, 9, 1)
    tokens = [each.request.split()[1].rpartition(b"/")[2] for each in client.asked]
    assert len(set(tokens)) == 10
    assert all(each.request.count(token) == 2 for each, token in zip(client.asked, tokens, strict=True))


def test_calls_are_one_visit_with_a_token_of_its_own_and_are_taken_back():
    calls = plan(
        Call("PUT", "/n/SEA", "PUT /n", body="SEA", right=(200,)),
        Call("GET", "/n/SEA", "GET /n", needs="of SEA"),
        Call("DELETE", "/n/SEA", "DELETE /n", undo=True),
        sentinel="SEA",
    )

    def answer(each):
        each.body = b"of " + each.request.split()[1].rpartition(b"/")[2]

    assert single(calls) is None
    assert single(plan(READ)) == READ
    _, streams, client, _ = made(journey(calls), rate=20, client=Client(answers=answer))
    assert {name: count(stream) for name, stream in streams.items()} == {
        "": (4, 4, 0),
        "PUT /n": (2, 2, 0),
        "GET /n": (2, 2, 0),
    }
    assert sorted(each.request for each in client.asked if b"t-1" in each.request) == [
        b"DELETE /n/t-1 ", b"GET /n/t-1 ", b"PUT /n/t-1 t-1",
    ]  # fmt: skip


def test_what_is_not_read_back_fails_and_is_taken_back_all_the_same():
    calls = plan(
        Call("PUT", "/n/SEA", "PUT /n"), Call("GET", "/n/SEA", "GET /n", needs="SEA"),
        Call("DELETE", "/n/SEA", "DELETE /n", undo=True), sentinel="SEA",
    )  # fmt: skip
    _, streams, client, _ = made(journey(calls), rate=20)
    assert streams["GET /n"]["errors"] == {"the body does not hold what it must": 2}
    assert sum(each.request.startswith(b"DELETE") for each in client.asked) == 2


@pytest.mark.parametrize(
    ("needs", "body", "wrong"),
    [
        ("", b"", ""),
        ("ok", b"is ok", ""),
        ("ok", b"is not", "the body does not hold what it must"),
        ('{"a.b": 1}', b'{"a": {"b": 1}}', ""),
        ('{"a.b": 1}', b'{"a": {"b": 2}}', "a.b is not what it must be"),
        ('{"a.b": 1}', b"[" * 100_000, "the body is no JSON"),
        ('["a"]', b'xx ["a"]', ""),
    ],
)
def test_what_a_body_must_hold(needs, body, wrong):
    assert checker(needs)(body) == wrong
