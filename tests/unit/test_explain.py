from __future__ import annotations

import pytest

from seatrial.explain import explain
from seatrial.words import Duration, Finding


@pytest.mark.parametrize(
    ("op", "left", "right", "expected", "seen"),
    [
        ("==", [Finding("container a", "uid 0"), Finding("container b", "uid 0")], [], "none of these",
         ("container a: uid 0", "container b: uid 0")),
        ("==", [Finding("a", "HTTP 500", "HTTP 200"), Finding("b", "HTTP 404", "HTTP 200")], [], "HTTP 200",
         ("a: HTTP 500 (expected HTTP 200)", "b: HTTP 404 (expected HTTP 200)")),
        ("==", [Finding("a", "old", "new"), Finding("b", "gone")], [], "none of these", ("a: old (expected new)", "b: gone")),
        ("<=", Duration(3), Duration(1), "at most 1s", ("3s",)),
        ("==", "1.2", "1.3", '"1.3"', ('"1.2"',)),
        ("in", "tcp", ("udp", "sctp"), "one of udp, sctp", ('"tcp"',)),
        ("==", None, 5, "5", ("nothing",)),
        ("==", [], ["x"], "x", ("none",)),
    ],
)  # fmt: skip
def test_operands_become_words(op, left, right, expected, seen):
    told = explain(op, left, right)
    assert (told.expected, told.seen) == (expected, seen)
