"""What must not be shown of a profile's lines: the value of a key that names a secret, and a password inside a URL.

A message shows the line it is about. A password that somebody wrote there would be shown with it, on a terminal, in a log
of a CI server, in a ticket. It is covered by its key's name, without looking at what it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

__all__ = ["COVER", "Covered", "continued", "cover"]

COVER = "***"
LONGEST = 2000
"""Characters of a line that is looked into; a longer one is covered whole."""
_NAMES = (
    r"pass[a-z]{0,6}|pasw[a-z]{0,6}|pwd|secret|token|credentials?|authorization|cookie|dsn|"
    r"(?:api|access|private|signing|encryption|master|account|shared|ssh|license)[_.-]?key|(?<![a-z])key|(?-i:(?<=[a-z])Key)"
)
_KEY = re.compile(
    rf"""(?P<key>["']?(?<![\w$./-])(?:[\w$./-]{{0,80}}?)(?:{_NAMES})(?:[_.\d-][\w$./-]{{0,80}}|s|es)?["']?)(?P<between>\s*[:=]\s*|(?<=\w)["']?\s*,\s*)""",
    re.IGNORECASE,
)
_FORGOTTEN = re.compile(
    rf"""\s*(?:-\s+)?["']?[\w.-]{{0,80}}?(?:{_NAMES})[\w.-]{{0,80}}["']?\s+(?P<value>\S.*?)\s*$""", re.IGNORECASE
)
"""A key whose colon was forgotten, and its value."""
_USERINFO = re.compile(r"://[^\s/:@\"']*:([^\s/@\"']+)@")
_SCALAR = re.compile(
    r"""(?P<double>"(?:[^"\\]|\\.)*("|$))|(?P<single>'(?:[^']|'')*('|$))|(?P<block>[|>][-+\d]*\s*(?:\#.*)?$)|(?P<flow>[\[{])"""
)
# Sections of the grammar whose names say that they are about secrets, and whose values are none.
_SECTIONS = frozenset({"secrets", "secret_files"})
_PATHLIKE = re.compile(r"[./~].*|.*\.(?:pem|key|crt)")
_REFERENCE = re.compile(r"[\"']?(?:env|file|type)[\"']?\s*:\s*")


@dataclass(frozen=True, slots=True)
class Covered:
    """A line that can be shown."""

    text: str
    spans: tuple[tuple[int, int], ...]
    """What was covered, as columns from 0 of the line as it was."""
    values: tuple[str, ...]
    """The texts that were covered, without quotes: they may not be in a message either."""

    def column(self, column: int) -> int:
        """Where a column of the line is in the text that is shown; inside of what was covered, its beginning."""
        shift = 0
        for start, end in self.spans:
            if column >= end:
                shift += len(COVER) - (end - start)
            elif column > start:
                return start + shift
        return column + shift


@lru_cache(maxsize=64)
def cover(line: str) -> Covered:
    """A line without the values of keys that name a secret, and without passwords in URLs."""
    spans: list[tuple[int, int]] = []
    if len(line) > LONGEST:
        return Covered(COVER, ((0, len(line)),), ())
    at = 0
    while found := _KEY.search(line, at):
        at = found.end()
        if _names_a_secret(found):
            spans += _value(line, found.end(), found["key"].strip("\"'").lower())
            at = max([at, *(end for _, end in spans)])
    if not spans and ":" not in line and (found := _FORGOTTEN.match(line)):
        spans.append(found.span("value"))
    spans += [found.span(1) for found in _USERINFO.finditer(line)]
    merged: list[tuple[int, int]] = []
    for start, end in sorted(span for span in spans if span[0] < span[1]):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    text, last = "", 0
    for start, end in merged:
        text, last = text + line[last:start] + COVER, end
    values = tuple(line[start:end].strip("\"'") for start, end in merged)
    return Covered(text + line[last:], tuple(merged), values)


def _names_a_secret(found: re.Match[str]) -> bool:
    key = found["key"].strip("\"'").lower()
    if "," in found["between"]:  # an argument of a command, and the next one
        return key.startswith("-")
    return key not in _SECTIONS


def _value(line: str, start: int, key: str) -> list[tuple[int, int]]:
    """Where the value that starts here is: one scalar, or every one inside of brackets."""
    if _REFERENCE.match(line, start):
        return []
    kind = _SCALAR.match(line, start)
    if kind and kind["flow"]:
        return _inside(line, start)
    if kind and kind["block"]:
        return []
    if kind:
        return [kind.span()]
    # Inside of brackets a plain value ends at a comma or a bracket; elsewhere it goes on. To cover too much is no harm.
    flow = _depth(line[:start]) > 0
    end = re.compile(r"(?:,\s|[\]}]|\s#).*|,$|\s+$" if flow else r"\s#.*|\s+$").search(line, start)
    stop = end.start() if end else len(line)
    if key == "key" and _PATHLIKE.fullmatch(line[start:stop]):
        return []  # of TLS: the name of a file
    return [(start, stop)]


def _depth(text: str) -> int:
    """How many brackets are open."""
    bare = re.sub(r"\"(?:[^\"\\]|\\.)*\"|'[^']*'", "", text)
    return sum(bare.count(bracket) for bracket in "[{") - sum(bare.count(bracket) for bracket in "]}")


def _inside(line: str, start: int) -> list[tuple[int, int]]:
    """Every scalar of a list or mapping, but for keys and for what a reference names."""
    spans: list[tuple[int, int]] = []
    at, depth = start, 0
    part = re.compile(
        r"""(?P<open>[\[{])|(?P<close>[\]}])|(?P<reference>["']?(?:env|file|type)["']?\s*:\s*(?:"[^"]*"|'[^']*'|[^,\]}"']*))"""
        r"""|(?P<key>["']?[^\s,:"'\[\]{}]+["']?\s*:\s)|(?P<scalar>"(?:[^"\\]|\\.)*(?:"|$)|'(?:[^']|'')*(?:'|$)|[^\s,\[\]{}][^,\[\]{}]*)|[\s,]+"""
    )
    while at < len(line) and (found := part.match(line, at)):
        at = found.end()
        depth += bool(found["open"]) - bool(found["close"])
        if found["scalar"]:
            spans.append((found.start(), found.start() + len(found["scalar"].rstrip())))
        if depth <= 0:
            break
    return spans


def continued(lines: Sequence[str]) -> frozenset[int]:
    """The lines (from 0) that go on with the value of a key that names a secret, which began on a line before."""
    found: set[int] = set()
    indent, quote = -1, ""
    for number, line in enumerate(lines):
        text = line.strip()
        deep = len(line) - len(line.lstrip())
        if quote:
            found.add(number)
            quote = "" if quote in line else quote
            continue
        if text and indent >= 0 and deep > indent:
            if not _REFERENCE.match(text):
                found.add(number)
            continue
        if text:
            indent = -1
        for key in _KEY.finditer(line[:LONGEST]):
            if _names_a_secret(key):
                rest = line[key.end() :]
                kind = _SCALAR.match(rest)
                if kind and (kind["double"] or kind["single"]) and not (kind[2] or kind[4]):
                    quote = rest[0]
                elif line[: key.start()].strip() in ("", "-") and not (kind and kind["flow"]):
                    indent = key.start()
    return frozenset(found)
