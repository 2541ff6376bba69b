from __future__ import annotations

import dataclasses
import pickle

import pytest

from seatrial.words import Body, CouldNotLook, Duration, Finding, Missing, Rate, Ratio, Secret, Size, seen


@pytest.mark.parametrize(
    ("kind", "text", "value", "shown"),
    [
        (Duration, "15s", 15, "15s"),
        (Duration, "250ms", 0.25, "250ms"),
        (Duration, "1h30m", 5400, "1h30m"),
        (Duration, "7d", 604800, "7d"),
        (Duration, "0s", 0, "0s"),
        (Duration, "1.5s", 1.5, "1.5s"),
        (Size, "8GiB", 8 * 2**30, "8GiB"),
        (Size, "100MB", 10**8, "95.4MiB"),
        (Size, "512Mi", 2**29, "512MiB"),
        (Size, "12B", 12, "12B"),
        (Rate, "100/s", 100, "100/s"),
        (Rate, "30/m", 0.5, "0.5/s"),
        (Ratio, "0.1%", 0.001, "0.1%"),
        (Ratio, "99.9%", 0.999, "99.9%"),
    ],
)
def test_units_are_read_and_shown(kind, text, value, shown):
    word = kind.parse(text)
    (field,) = (getattr(word, f.name) for f in dataclasses.fields(word))
    assert field == pytest.approx(value)
    assert repr(word) == str(word) == shown


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Duration, "15"), (Duration, "s"), (Duration, "15 parsecs"), (Duration, "-3s"), (Duration, ""),
        (Size, "8"), (Size, "8gib"), (Size, "GiB"), (Rate, "100"), (Rate, "100/y"), (Ratio, "5"), (Ratio, "101%"),
    ],
)  # fmt: skip
def test_a_number_without_its_unit_is_refused_with_an_example(kind, text):
    with pytest.raises(ValueError, match=r"for example"):
        kind.parse(text)


def test_words_of_one_kind_compare():
    assert Duration.parse("60s") == Duration.parse("1m")
    assert Size.parse("1GiB") > Size.parse("1GB")


def test_a_secret_is_never_shown():
    secret = Secret("hunter2hunter2", "env DB_PASSWORD")
    for text in (repr(secret), str(secret), f"{secret}", f"{[secret]}", f"{secret!r:>80}"):
        assert "hunter2" not in text
    assert repr(secret) == "<secret from env DB_PASSWORD, length 8 to 15>"
    assert secret.reveal() == "hunter2hunter2"
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    with pytest.raises(AttributeError):
        secret.__dict__  # noqa: B018


def test_a_body_shows_its_size_alone():
    body = Body('{"password": "hunter2"}', "application/json")
    assert repr(body) == str(body) == "<body, 23 characters, application/json>"


def test_a_missing_fact_raises_when_it_is_asked_for():
    assert seen(5) == 5
    with pytest.raises(CouldNotLook, match="not readable") as raised:
        seen(Missing("/proc/1/status is not readable", "root"))
    assert raised.value.right == "root"


def test_a_finding_reads_as_a_sentence():
    assert str(Finding("container web-1", "uid 0")) == "container web-1: uid 0"
    assert str(Finding("container web-1", "64 MiB", "512 MiB")) == "container web-1: 64 MiB (expected 512 MiB)"
