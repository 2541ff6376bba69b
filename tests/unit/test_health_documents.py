"""Health documents of every shape: a verdict, or why there is none, and nothing told that could be a secret."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seatrial.facts import document as doc
from seatrial.facts.answer import Answer, Answers
from seatrial.facts.endpoint import Endpoint
from seatrial.profile.model import HttpCheck
from seatrial.words import Body, CouldNotLook, Finding

WORDS = ["ok", "UP", "down", "degraded", "NOT_READY", "warn", "purple", "", "x" * 50, "\x1b[31m", "\u202e"]
SCHEMA = {
    "type": "object",
    "required": ["status"],
    "properties": {"components": {"additionalProperties": {"type": "string"}}},
}
VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(WORDS)
KEYS = st.sampled_from(["status", "state", "healthy", "name", "version", "components", "a/b", "~"])
DOCUMENTS = st.recursive(
    VALUES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)
PROPERTIES = sorted(name for name, value in vars(Endpoint).items() if isinstance(value, property))


def endpoint(*texts, probe="health", **declared):
    check = {"path": "/health", "latency": "1s", "version": "version", "components": "components", **declared}
    check.setdefault("expect", {"content_type": "application/json", "match": {"length(status)": 2, "version": "1.0"}})
    answers = tuple(
        Answer("http://h/health", 200, 0.1, "application/json", Body(text, "application/json")) for text in texts
    )
    return Endpoint(
        "api.health",
        "api",
        probe,
        HttpCheck.model_validate(check),
        "1.0",
        Answers("http://h/health", answers, answers[0]),
        SCHEMA,
    )


def look(one, name):
    """The findings of a property, or the reason why there are none."""
    try:
        return getattr(one, name)
    except CouldNotLook as why:
        return why.reason or "no reason"


@settings(max_examples=300, deadline=None)
@given(
    st.lists(DOCUMENTS.map(json.dumps) | st.text(max_size=40), min_size=1, max_size=3),
    st.sampled_from(["liveness", "readiness", "health"]),
    st.sampled_from([{}, {"status": "status"}, {"status": "status", "healthy": ["ok"]}, {"status": "max(components)"}]),
)
def test_every_document_gives_findings_or_the_reason_why_not(texts, probe, declared):
    one = endpoint(*texts, probe=probe, **declared)
    for name in PROPERTIES:
        found = look(one, name)
        assert isinstance(found, str) or all(isinstance(one, Finding) and str(one).isprintable() for one in found), (
            found
        )


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"a":' * 50_000,
        "1" * 5000,
        '{"status": NaN}',
        "\ufeff{}",
        "",
        "\x00",
        '"ok',
        "[" * 900 + "]" * 900,
    ],
)
def test_bodies_that_break_readers_break_nothing(text):
    one = endpoint(text)
    undecided = [found for name in PROPERTIES if isinstance(found := look(one, name), str)]
    assert all("api.health" in reason or "too deep" in reason for reason in undecided)


def test_characters_that_a_terminal_obeys_are_told_as_none():
    lost = json.dumps({"status": "ok", "components": {"\x1b[2J": {"status": "\x1b[31m"}, "b\u202e": "dow\u202en"}})
    (found,) = endpoint(lost, status="status", healthy=["ok"]).inconsistent_components
    assert found.seen == "overall ok, but b� is dow�n, �[2J is �[31m"


def test_nothing_is_fetched_for_a_schema(monkeypatch):
    import urllib.request

    monkeypatch.setattr(urllib.request, "urlopen", lambda *_, **__: pytest.fail("a schema was fetched"))
    with pytest.raises(CouldNotLook, match="which it does not hold"):
        doc.schema_errors({"properties": {"status": {"$ref": "http://schema.example/x"}}}, {"status": "ok"})
    inside = {"$defs": {"word": {"const": "ok"}}, "properties": {"status": {"$ref": "#/$defs/word"}}}
    assert doc.schema_errors(inside, {"status": "ok"}) == []
    assert doc.schema_errors(inside, {"status": "no"}) == ['/status is none of what the schema allows: "ok"']


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, "null"),
        (True, "true"),
        (3, "3"),
        (0.25, "0.25"),
        ("not ready", '"not ready"'),
        ("v1.4.2-rc.1", '"v1.4.2-rc.1"'),
        ("hunter2", "a text of 7 characters"),
        ("c3VwZXJzZWNyZXQ=", "a text of 16 characters"),
        ("postgres://u:p@h/d", "a text of 18 characters"),
        ({"a": 1}, "an object of 1"),
        ([1, 2], "a list of 2"),
        (10**80, "1" + "0" * 58 + "…"),
    ],
)
def test_what_is_told_of_a_value(value, told):
    assert doc.short(value) == told


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [(1, True, False), (0, False, False), (1, 1.0, True), ({"a": [True]}, {"a": [1]}, False), ([1], [1, 2], False), (None, None, True)],
)  # fmt: skip
def test_json_values_are_compared_as_json(one, other, same):
    assert doc.same(one, other) is same


@pytest.mark.parametrize(
    ("path", "pointer"), [([], "the document"), (["a/b", 0, "c~d"], "/a~1b/0/c~0d"), (["\x1b[31m"], "/�[31m")]
)
def test_pointers_are_those_of_rfc_6901(path, pointer):
    assert doc.pointed(path) == pointer
