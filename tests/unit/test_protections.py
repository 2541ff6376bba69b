"""Promised protections, without a target: how attempts are counted, how a call is made as large as its limit, what is said to wait."""

from __future__ import annotations

import json
import socket
import struct
from pathlib import Path

import pytest

import suites
from seatrial.catalogue import catalogue
from seatrial.drivers import Session, _counting
from seatrial.drivers._counting import Tally, _filter
from seatrial.experiments import experiments, limits, perform, retries
from seatrial.experiments._handless import Handless
from seatrial.facts.retry_after import asked_to_wait
from seatrial.outcomes import Tier
from seatrial.profile.model import Limit, Profile
from seatrial.profile.subjects import subjects
from seatrial.safety.acts import Replica
from seatrial.words import CouldNotLook, Missing

SYN, ACK, PSH = 0x02, 0x10, 0x08
MODULO = 2**32


def packet(sequence, data=0, flags=ACK | PSH, *, port=40000, source="127.0.0.1"):
    """The headers of a TCP packet to a dependency, as the kernel gives them: what is said is cut off."""
    tcp = struct.pack("!HHIIBBHHH", port, 6379, sequence % MODULO, 0, 5 << 4, flags, 65535, 0, 0)
    if ":" in source:
        address = socket.inet_pton(socket.AF_INET6, source)
        return struct.pack("!IHBB", 6 << 28, 20 + data, 6, 64) + address + address + tcp
    address = socket.inet_aton(source)
    return struct.pack("!BBHHHBBH", 0x45, 0, 40 + data, 1, 0, 64, 6, 0) + address + address + tcp


def counted(*packets):
    tally = Tally()
    for at, raw in packets:
        tally.packet(at, raw)
    return tally.between(0, 100)


def test_a_connection_and_what_is_first_said_on_it_are_one_attempt():
    opened, said = packet(1, flags=SYN), packet(2, 30)
    assert counted((1.0, opened), (1.1, said)) == 1
    assert counted((1.0, opened), (1.1, said), (1.2, said), (1.6, said)) == 1, "sent again by TCP"
    assert counted((1.0, opened), (2.0, opened), (4.0, opened)) == 1, "sent again by TCP"


def test_each_connection_and_each_request_on_an_old_one_is_an_attempt():
    many = [(n / 10, packet(n * 1000, flags=SYN, port=40000 + n)) for n in range(30)]
    assert counted(*many) == 30
    assert counted((1.0, packet(500, 20)), (2.0, packet(520, 20)), (3.0, packet(540, 20))) == 3
    assert counted((1.0, packet(500, 20)), (1.01, packet(520, 1400)), (1.02, packet(1920, 20))) == 1, "one request"
    assert counted((1.0, packet(500, 20)), (2.0, packet(519, 1))) == 1, "a keepalive"


def test_sequence_numbers_begin_anew_after_four_gigabytes():
    assert counted((1.0, packet(MODULO - 10, 20)), (2.0, packet(10, 20))) == 2
    assert counted((1.0, packet(MODULO - 10, 20)), (2.0, packet(MODULO - 10, 20))) == 1


def test_a_port_that_is_used_again_is_another_connection():
    assert counted((1.0, packet(1, flags=SYN)), (1.1, packet(2, 9)), (2.0, packet(77, flags=SYN))) == 2
    assert counted((1.0, packet(1, flags=SYN)), (2.0, packet(77, flags=SYN))) == 2


def test_who_tries_both_families_makes_one_attempt():
    pairs = [(n, packet(n, flags=SYN, port=40000 + n, source=s)) for n in (1, 2) for s in ("::1", "127.0.0.1")]
    assert counted(*pairs) == 2


def test_what_is_no_tcp_is_passed_over():
    assert counted((1.0, b"\x45"), (1.0, b"E" * 20), (1.0, packet(1, 10)[:25]), (1.0, packet(1, flags=ACK))) == 0


@pytest.mark.parametrize(("family", "source"), [(0x0800, "127.0.0.1"), (0x86DD, "::1")])
def test_the_kernel_is_asked_for_packets_to_one_port(family, source):
    """The filter is run here as the kernel would."""

    def kept(raw, port):
        code = _filter(family, port)
        lines = [struct.unpack("HBBI", code[at : at + 8]) for at in range(0, len(code), 8)]
        at = accumulator = index = 0
        while True:
            operation, yes, no, value = lines[at]
            at += 1
            if operation == 0x06:
                return value
            if operation == 0x15:
                at += yes if accumulator == value else no
            elif operation == 0xB1:
                index = 4 * (raw[value] & 15)
            else:
                size = 1 if operation == 0x30 else 2
                begin = value + (index if operation == 0x48 else 0)
                accumulator = int.from_bytes(raw[begin : begin + size], "big")

    raw = packet(1, 30, source=source)
    assert kept(raw, 6379) == 96
    assert kept(raw, 6380) == 0
    other = bytearray(raw)
    other[9 if family == 0x0800 else 6] = 17
    assert kept(bytes(other), 6379) == 0


# --- limits -----------------------------------------------------------------------------------------------------------


def limit(**declared):
    return Limit.model_validate({"name": "size", "post": "/notes", **declared})


@pytest.mark.parametrize(
    ("body", "field", "value", "becomes"),
    [
        ({"text": "ab"}, "text", 4, {"text": "abxx"}),
        ({"text": "abcdef"}, "text", 4, {"text": "abcd"}),
        ({"q": {"top": 7, "text": "a"}}, "q.top", 100, {"q": {"top": 100, "text": "a"}}),
        ({"phone": "123"}, "phone", 5, {"phone": "123xx"}),
        ({"ids": ["a", "b"]}, "ids", 4, {"ids": ["a", "b", "b", "b"]}),
        ({"q": "x"}, "top", 9, {"q": "x", "top": 9}),
    ],
)
def test_a_field_is_made_as_large_as_its_limit(body, field, value, becomes):
    node = limit(field=field).model_copy(update={"body": body})
    assert limits.made_as_large(node, value).body == becomes
    assert node.body == body


def test_a_whole_body_has_just_that_many_bytes():
    node = limit().model_copy(update={"body": {"id": "a", "inner": [{"text": "longest"}], "n": 1}})
    large = limits.made_as_large(node, 500)
    assert len(json.dumps(large.body).encode()) == 500
    assert large.body["inner"][0]["text"].startswith("longestxxx")
    assert large.body["id"] == "a"


def test_a_call_without_a_body_has_its_limit_in_its_query():
    node = Limit.model_validate({"name": "n", "get": "/search?q=a%20b&top=3", "field": "top", "at": "10"})
    assert limits.made_as_large(node, 11).get == "/search?q=a%20b&top=11"
    node = node.model_copy(update={"field": "q"})
    assert limits.made_as_large(node, 5).get == "/search?q=a%20bxx&top=3"


@pytest.mark.parametrize(
    ("body", "field", "why"),
    [
        ({"n": 1}, None, "no text that could be made longer"),
        ({"text": "x" * 600}, None, "larger than 500 bytes"),
        ({"ids": []}, "ids", "no entry"),
        ({"q": "x"}, "q.top", "no place for q.top"),
    ],
)
def test_what_cannot_be_made_as_large_is_told(body, field, why):
    node = limit().model_copy(update={"body": body, "field": field})
    with pytest.raises(CouldNotLook, match=why):
        limits.made_as_large(node, 500)


# --- Retry-After ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 7 ", 7.0),
        ("Thu, 28 May 2026 20:26:50 GMT", 10.0),
        ("Thu, 28 May 2020 20:26:50 GMT", 0.0),
        ("", None),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("Thu, 99 May 2026 20:26:50 GMT", None),
        ("28 May 2026", None),
        ("1" * 40, None),
    ],
)
def test_when_to_come_back_is_a_number_of_seconds_or_a_date(text, seconds):
    assert asked_to_wait(text, 1780000000.0) == seconds


# --- subjects and tiers -----------------------------------------------------------------------------------------------


def profile(driver="docker", **services):
    return Profile.model_validate(
        {"profile": "p", "target": {"driver": driver}, "services": {"api": {"url": "http://127.0.0.1:1"}, **services}}
    )


REDIS = {"protocol": "redis", "process": {"stop": ["stop"], "start": ["start"]}}
BEFORE = {"timeout": "1s", "retries": "2", "breaker": {"failures": "3", "open_for": "1s"}}


def test_each_promise_is_a_subject():
    api = {
        "limits": [{"name": "length of a note", "post": "/notes", "at": "1"}],
        "rate_limits": [{"name": "searches", "get": "/search", "allowed": "5", "per": "1s"}],
        "depends_on": {"redis": BEFORE, "db": {}},
    }

    def ids(noun, driver):
        return [one.id for one in subjects(profile(driver, api=api, redis=REDIS, db={}), noun)[0]]

    assert ids("limit", "http") == ["api.limits.length-of-a-note"]
    assert ids("rate_limit", "http") == ["api.rate_limits.searches"]
    assert ids("time_out", "docker") == ["api.redis.timeout"]
    assert ids("breaker", "docker") == ["api.redis.breaker"]
    assert ids("retrying", "docker") == ["api.redis.retries.hung"]
    assert ids("retrying", "process") == ["api.redis.retries.hung", "api.redis.retries.stopped"]
    assert ids("retrying", "http") == []


def test_what_is_promised_of_nothing_names_the_missing_key():
    for noun, key in (
        ("limit", "limits"),
        ("rate_limit", "rate_limits"),
        ("time_out", "timeout"),
        ("breaker", "breaker"),
    ):
        found, lacking = subjects(profile(), noun)
        assert not found
        assert key in lacking


def asked(tier, monkeypatch, tmp_path, declared):
    """What came of a limit in a run of some tier, by a driver that can't disturb."""
    monkeypatch.setenv("SEATRIAL_STATE", str(tmp_path))
    made = profile("http", api={"url": "http://127.0.0.1:1", "limits": [{"name": "n", **declared}]})
    session = Session(made, Path(), str, granted=tier, key="a target")
    found = {}
    perform(session, Missing("not looked"), subjects(made, "limit")[0], lambda _: None, {"experiments": found}, [])
    return found


def test_a_limit_is_tried_in_tier_write_by_a_driver_that_cannot_disturb(monkeypatch, tmp_path):
    found = asked(Tier.write, monkeypatch, tmp_path, {"at": "1"})
    assert found["api.limits.n"].right == "services.api.limits[0].post, .put or .get"
    found = asked(Tier.write, monkeypatch, tmp_path, {"post": "/n", "body": {"a": "b"}})
    assert found["api.limits.n"].right == "services.api.limits[0].at"
    found = asked(Tier.write, monkeypatch, tmp_path, {"post": "/n", "body": {"a": "b"}, "at": 10})
    assert "was not begun" in found["api.limits.n"].reason


def test_no_experiment_is_made_in_a_lower_tier_than_its_tests_say():
    tiers = {}
    for requirement, _ in catalogue(suites):
        tiers.setdefault(requirement.noun, set()).add(requirement.tier)
    for module in experiments():
        asked = set().union(*(tiers.get(noun, set()) for noun in module.NOUNS))
        assert not asked or min(asked) >= getattr(module, "TIER", Tier.disrupt), module.__name__


def test_a_limit_is_not_tried_in_tier_observe(monkeypatch, tmp_path):
    assert asked(Tier.observe, monkeypatch, tmp_path, {"at": "1"}) == {}


def test_hands_of_a_driver_that_has_none_do_nothing():
    hands = Handless("http")
    assert (hands.replicas("api"), hands.checks("api"), hands.inventory(), hands.told()) == ((), (), {}, {})
    with pytest.raises(CouldNotLook, match="driver http has no way to disturb"):
        hands.acts("stop", "api")


def test_who_may_not_count_is_told_the_right_that_is_missing(monkeypatch):
    class Hands(Handless):
        def replicas(self, service):
            return (Replica(service, "pid 7", "7", "1"),)

    def forbidden(*_):
        raise PermissionError

    made = profile("process", api={"depends_on": {"redis": BEFORE}}, redis={**REDIS, "port": "6379"})
    node = made.services["api"].depends_on["redis"]
    session = Session(made, Path(), str)
    monkeypatch.setattr(_counting, "_opened", forbidden)
    with pytest.raises(CouldNotLook) as why, _counting.counting(session, Hands("process"), "redis", node):
        pass
    assert "CAP_NET_RAW" in why.value.right
    with (
        pytest.raises(CouldNotLook, match="nothing of redis runs"),
        _counting.counting(session, Handless("x"), "redis", node),
    ):
        pass


def test_attempts_that_come_by_themselves_are_taken_off():
    class Meter:
        def between(self, _begin, _end):
            return 10

    class Scene:
        class watch:
            now = 0.0

            @staticmethod
            def hold(_seconds):
                pass

            @staticmethod
            def taken(ask, _probe, _who):
                return ask()

    from seatrial.facts.experiment import Sample

    count = retries.counted(Scene, Meter(), "call", lambda: Sample(0.0, "", "", ok=False, seconds=0.1), 1.5, after=0)
    assert count == 9
