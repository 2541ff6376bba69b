"""A fingerprint: another one for whatever is added, removed, changed or cut short, and the same for the same."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from seatrial.drills.comparing import compared
from seatrial.drills.stores import Content, Item


def item(text: str, **attributes: str) -> Item:
    body = text.encode()
    return Item(hashlib.sha256(body).hexdigest(), len(body), "file", tuple(sorted(attributes.items())))


WAS = {"seatrial-a": item("one", mode="0600"), "seatrial-b": item("two and more"), "seatrial-leer": item("")}
CHANGES = {
    "added": ({**WAS, "seatrial-c": item("three")}, "added"),
    "added, and empty": ({**WAS, "seatrial-c": item("")}, "added"),
    "removed": ({name: one for name, one in WAS.items() if name != "seatrial-a"}, "missing"),
    "removed, and empty": ({name: one for name, one in WAS.items() if name != "seatrial-leer"}, "missing"),
    "changed": ({**WAS, "seatrial-b": item("two and MORE")}, "changed"),
    "truncated": ({**WAS, "seatrial-b": item("two and")}, "shorter"),
    "truncated to nothing": ({**WAS, "seatrial-b": item("")}, "shorter"),
    "of another mode": ({**WAS, "seatrial-a": item("one", mode="0644")}, "attribute"),
    "two that changed places": ({**WAS, "seatrial-a": replace(WAS["seatrial-b"], attributes=WAS["seatrial-a"].attributes),
                                 "seatrial-b": replace(WAS["seatrial-a"], attributes=())}, "changed"),
    "nothing at all": ({}, "missing"),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_it_is_another(change):
    now, kind = CHANGES[change]
    assert Content(now).fingerprint().digest != Content(WAS).fingerprint().digest
    assert kind in compared(Content(WAS), Content(now), seeded=dict.fromkeys(WAS, "a file")).counts


def test_it_is_the_same_in_whatever_order_it_is_read():
    backwards = dict(reversed(list(WAS.items())))
    assert Content(backwards).fingerprint() == Content(WAS).fingerprint()
    assert compared(Content(WAS), Content(backwards), seeded={}).counts == {}


def test_it_tells_how_much_it_is_of():
    assert (Content(WAS).fingerprint().objects, Content(WAS).fingerprint().size) == (
        3,
        len("one") + len("two and more"),
    )


def test_names_that_only_together_are_the_same_are_not():
    """Where one name ends and a digest begins can't be shifted."""
    one, other = Content({"a": item("x"), "ab": item("y")}), Content({"a": item("y"), "ab": item("x")})
    assert one.fingerprint().digest != other.fingerprint().digest
