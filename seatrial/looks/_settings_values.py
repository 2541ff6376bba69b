"""Values as configuration writes them: their normal form, by which they are compared, and how they may be told."""

from __future__ import annotations

import json
import re
from typing import Any

from seatrial.facts.settings import Stated

__all__ = ["normal", "stated", "text_of", "told"]

_SIZES = {
    "b": 1, "k": 10**3, "kb": 2**10, "kib": 2**10, "m": 10**6, "mb": 2**20, "mib": 2**20, "g": 10**9, "gb": 2**30,
    "gib": 2**30, "t": 10**12, "tb": 2**40, "tib": 2**40,
}  # fmt: skip
"""As Redis reads them (https://redis.io/docs/latest/operate/oss_and_stack/management/config/), and PostgreSQL but for k, m, g and t."""
_TIMES = {"us": 0.001, "ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}
_WORDS = {"yes": "true", "on": "true", "true": "true", "no": "false", "off": "false", "false": "false"}
_NUMBER = re.compile(r"([+-]?[0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]*)")
_LONGEST = 60


def text_of(value: Any) -> str:
    """A value of a document as the text another place would hold."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def normal(value: str, unit: str = "") -> str:
    """The form in which two spellings of one value are the same: ``1gb`` and ``1073741824``, ``on`` and ``yes``.

    Args:
        value: as it is written.
        unit: of a bare number, as pg_settings tells it: ``8kB``, ``ms``.
    """
    text = value.strip()
    if (word := text.lower()) in _WORDS:
        return _WORDS[word]
    match = _NUMBER.fullmatch(text)
    if not match:
        return text
    number, suffix = float(match[1]), match[2].lower()
    if suffix in _SIZES or suffix in _TIMES:
        return f"{number * (_SIZES.get(suffix) or _TIMES[suffix]):.15g}"
    if suffix:
        return text
    if unit and (scale := _NUMBER.fullmatch(unit if unit[0].isdigit() else f"1{unit}")):
        number *= float(scale[1]) * (_SIZES.get(scale[2].lower()) or _TIMES.get(scale[2].lower(), 1))
    return f"{number:.15g}"


def told(name: str, value: str | None, *, hidden: bool = False) -> str:
    """A value as a report may tell it; of what may be a secret, how long it is and its fingerprint."""
    from seatrial.scan import scan_pairs
    from seatrial.scan.fingerprints import fingerprint
    from seatrial.scan.names import level
    from seatrial.words import Secret

    if value is None:
        return "not set"
    if value == "":
        return "empty"
    if hidden or level(name) or scan_pairs([(name, value)]):
        return f"a value of {Secret(value).length_class} characters, fingerprint {fingerprint(value)}"
    if len(value) > _LONGEST or not value.isprintable():
        return f"a text of {len(value)} characters, fingerprint {fingerprint(value)}"
    return f'"{value}"'


def stated(
    name: str, value: str | None, *wanted: str, hidden: bool = False, unit: str = "", exact: bool = False
) -> Stated:
    """One value of a place, against what is declared of it.

    Args:
        name: of the variable or setting.
        value: None when it is not set.
        wanted: the values it may have; none when nothing is declared of it.
        hidden: whether what is declared came from where secrets lie.
        unit: of a bare number.
        exact: the very text counts, and not what it means: a process may read ``on`` and ``true`` differently.
    """
    from seatrial.scan.fingerprints import fingerprint

    def form(text: str, unit: str = "") -> str:
        return text if exact else normal(text, unit)

    return Stated(
        name=name,
        seen=told(name, value, hidden=hidden),
        mark=fingerprint(form(value, unit)) if value else "",
        wanted=" or ".join(told(name, one, hidden=hidden) for one in wanted),
        right=(value is not None and form(value, unit) in {form(one) for one in wanted}) if wanted else None,
    )
