"""What stores have in common: forms that are the same for the same content and for nothing else, names, and the way into a place."""

from __future__ import annotations

import gc
import itertools
import queue
import socket
import threading

from seatrial.drills.stores._forms import Form, Heap, printable, shortened
from seatrial.drills.stores._relay import Relay
from seatrial.words import CouldNotLook


def form(*values):
    made = Form("list")
    for value in values:
        made.add(value)
    return made.digest()


def heap(*rows):
    made = Heap()
    for row in rows:
        made.add(row)
    return made.digest()


def test_what_differs_has_another_form():
    lists = [(), (b"",), (b"", b""), (b"a", b"b"), (b"ab",), (b"b", b"a"), (b"1:a",), (b"a", b""), (b"", b"a")]
    assert len({form(*values) for values in lists}) == len(lists)


def test_a_value_in_parts_is_the_value():
    made = Form("list")
    made.begin(6)
    made.more(b"abc")
    made.more(b"def")
    assert made.digest() == form(b"abcdef")
    assert made.size == 6


def test_rows_have_no_order_and_each_counts():
    rows = [(b"1", b"a"), (b"2", b"b"), (b"2", b"b")]
    assert {heap(*order) for order in itertools.permutations(rows)} == {heap(*rows)}
    others = [rows[:2], rows[1:], [*rows, (b"1", b"a")], [(b"1", b"ab"), *rows[1:]], [(b"1a", b""), *rows[1:]], []]
    assert len({heap(*each) for each in [rows, *others]}) == len(others) + 1


def test_names_can_be_printed_and_are_told_apart():
    names = [
        b"plain", "größe 日本語 🌊".encode(), b"a\nb", b"a\\x0ab", b"a\\nb", b"\xff", b"\\xff", b"\xc3\xbf", b"", b" ", b"\x00",
        "\u202eright to left".encode(), "\u200b".encode(), b"\xed\xa0\x80",
    ]  # fmt: skip
    told = [printable(name) for name in names]
    assert len(set(told)) == len(names)
    assert all(text.isprintable() for text in told)
    assert told[:3] == ["plain", "größe 日本語 🌊", "a\\x0ab"]


def test_a_long_text_is_cut_and_still_told_apart():
    assert shortened("short") == "short"
    assert len(shortened("a" * 1000)) < 170
    assert shortened("a" * 1000 + "b") != shortened("a" * 1000 + "c")


class Place:
    """One that has a single connection to give."""

    def __init__(self):
        self.given = queue.Queue()

    def connect(self, port, *, timeout=10.0):
        if port != 7:
            raise CouldNotLook(f"nothing listens on {port}")
        here, there = socket.socketpair()
        self.given.put(there)
        return here


def dialled(relay):
    found = socket.socket(socket.AF_UNIX)
    found.settimeout(10)
    found.connect(str(relay.path))
    return found


def test_a_connection_is_forwarded_both_ways_and_ended():
    place = Place()
    relay = Relay(place, 7)
    assert relay.folder.stat().st_mode & 0o077 == 0
    with dialled(relay) as ours:
        ours.sendall(b"question")
        theirs = place.given.get(timeout=10)
        assert theirs.recv(100) == b"question"
        theirs.sendall(b"answer" * 10_000)
        theirs.close()
        got = b""
        while part := ours.recv(65536):
            got += part
        assert got == b"answer" * 10_000
    relay.close()
    assert not relay.folder.exists()
    relay.close()


def test_a_connection_that_can_not_be_made_is_ended_and_says_why():
    relay = Relay(Place(), 8)
    with dialled(relay) as ours:
        assert ours.recv(1) == b""
    assert "nothing listens on 8" in str(relay.refused)


def test_a_relay_that_nobody_holds_leaves_nothing():
    relay = Relay(Place(), 7)
    folder, before = relay.folder, threading.active_count()
    del relay
    gc.collect()
    assert not folder.exists()
    assert threading.active_count() <= before


def test_many_connections_are_served():
    place = Place()
    relay = Relay(place, 7)
    for _ in range(40):
        with dialled(relay) as ours:
            ours.sendall(b"x")
            theirs = place.given.get(timeout=10)
            assert theirs.recv(1) == b"x"
            theirs.close()
    relay.close()
