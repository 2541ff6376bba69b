"""Whether a version of Prometheus takes an expression: what `promql` reads, without what that version does not know yet or any more."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seatrial.rulefiles.dialect import NEWEST, Dialect
from seatrial.rulefiles.templates_lexing import characters

if TYPE_CHECKING:
    from seatrial.promql.nodes import Node
    from seatrial.promql.tokens import Token

__all__ = ["Wrong", "check"]

# Since which version, and until which, a function or an aggregation is known.
_KNOWN: dict[str, tuple[tuple[int, int], tuple[int, int]]] = {
    "double_exponential_smoothing": ((3, 0), NEWEST),
    "holt_winters": ((0, 0), (3, 0)),
    "histogram_avg": ((2, 51), NEWEST),
    "histogram_stddev": ((2, 47), NEWEST),
    "histogram_stdvar": ((2, 47), NEWEST),
    "mad_over_time": ((2, 49), NEWEST),
    "sort_by_label": ((2, 49), NEWEST),
    "sort_by_label_desc": ((2, 49), NEWEST),
    "info": ((2, 55), NEWEST),
    "limitk": ((2, 54), NEWEST),
    "limit_ratio": ((2, 54), NEWEST),
    "ts_of_max_over_time": ((3, 5), NEWEST),
    "ts_of_min_over_time": ((3, 5), NEWEST),
    "ts_of_last_over_time": ((3, 5), NEWEST),
    "ts_of_first_over_time": ((3, 7), NEWEST),
    "first_over_time": ((3, 7), NEWEST),
}
_LETTER = re.compile(r"(\[\s*[0-9][0-9a-z]*\s+)[A-Za-z_](?=\s*[0-9\]])")
_LITERALS = (2, 54)
"""Since then a duration is a number, and a number a duration."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """Why an expression is refused, and where."""

    text: str
    offset: int
    bound: bool = False
    """It is beyond what is read here, and may well be right."""


def check(expr: str, reads: Dialect) -> Wrong | None:
    """What that version of Prometheus would refuse the expression for."""
    from seatrial.promql.reading import Unreadable, parse
    from seatrial.promql.tokens import MAX_LENGTH, tokens

    if not reads.reads((3, 0)):  # older versions take the first letter after a range for the colon of a subquery
        expr = _LETTER.sub(r"\1:", expr)
    try:
        words = tokens(expr)
        if reads.version != NEWEST and (unknown := _unknown(words, reads)) is not None:
            return unknown
        text = expr
        for number, word in reversed(list(enumerate(words))):
            instead = word.text
            if word.text == "holt_winters" and reads.reads((0, 0), (3, 0)):
                instead = "double_exponential_smoothing"  # what it is called now; promql-parser knows no other name
            elif word.kind == "string" and number and words[number - 1].text in ("=~", "!~"):
                irregular, instead = _regex(word, newer=reads.reads((2, 52)))
                if irregular is not None:
                    return irregular
            if instead != word.text:
                text = text[: word.start] + instead + text[word.end :]
        try:  # as it is written first: others read the same, and it is kept
            read = parse(expr)
        except Unreadable:
            if text == expr:
                raise
            read = parse(text)
        return _of_types(read.root)
    except Unreadable as wrong:
        if str(wrong).startswith("two readings"):  # of what it means; that it is PromQL is not in doubt
            return None
        if "no @ modifiers allowed before range" in str(wrong) and _only_ends(words):
            return None
        bound = len(expr) > MAX_LENGTH or "more than" in str(wrong)
        return Wrong(str(wrong), wrong.offset, bound)


def _only_ends(words: list[Token]) -> bool:
    """Whether each `@` is of start() or end(), which Prometheus lets stand before a range."""
    return all(words[n + 1].text in ("start", "end") for n, word in enumerate(words) if word.text == "@")


def _of_types(root: Node) -> Wrong | None:
    """What promql-parser lets pass and Prometheus does not: a sign before a range, and the logarithm of a number."""
    from seatrial.promql.nodes import Call, Series, Subquery, Unary, bare, scalar, walk

    for node in walk(root):
        if isinstance(node, Unary):
            body = bare(node.body)
            if isinstance(body, Subquery) or (isinstance(body, Series) and body.range is not None):
                return Wrong(f"a `{node.op}` before a range: put the range into a function, such as rate()", node.start)
        elif isinstance(node, Call) and node.name in ("ln", "log2", "log10") and scalar(node.arguments[0]):
            return Wrong(f"`{node.name}` takes series, and is given a number: write vector() around it", node.start)
    return None


def _regex(word: Token, *, newer: bool) -> tuple[Wrong | None, str]:
    """What is wrong with a regular expression; and one in its place that promql-parser reads, and that is as long."""
    from seatrial.promql.tokens import unquoted
    from seatrial.rulefiles.regexes import check as irregular
    from seatrial.rulefiles.regexes import takes_nothing

    quote, inside = word.text[0], word.text[1:-1]
    if quote != "`" and characters(inside, quote) < 0:
        return None, word.text  # promql-parser tells what is wrong with it
    value = unquoted(word.text)
    wrong = irregular(value, newer=newer)
    if wrong is None:
        return None, quote + ("|" if takes_nothing(value) else "x") * len(inside) + quote
    # Where nothing is escaped, the place is exact.
    offset = word.start + (1 + wrong.offset if value == inside else 0)
    return Wrong(f"`{value[:60]}` is no regular expression of Go: {wrong.text}", offset), word.text


def _unknown(words: list[Token], reads: Dialect) -> Wrong | None:
    """The first thing that this version does not know."""
    inside = ""
    for number, word in enumerate(words):
        before = words[number - 1] if number else None
        after = words[min(number + 1, len(words) - 1)]
        if word.kind == "sign" and word.text in "[]{}":
            inside = word.text if word.text in "[{" else ""
        elif word.kind == "name" and not inside and word.text in _KNOWN and _called(after):
            since, until = _KNOWN[word.text]
            if not reads.reads(since, until):
                when = (
                    f"only since {since[0]}.{since[1]}"
                    if reads.version < since
                    else f"no more since {until[0]}.{until[1]}"
                )
                return Wrong(f"{reads} does not know `{word.text}`; it is known {when}", word.start)
        elif word.kind in ("duration", "number") and reads.version < _LITERALS:
            span = inside == "[" or _moves(words, number)
            if span and word.kind == "number":
                return Wrong(f"`{word.text}` is a duration without a unit, which {reads} does not read", word.start)
            if not span and word.kind == "duration":
                return Wrong(f"`{word.text}` stands where a number must, for {reads}: write it in seconds", word.start)
        elif word.kind == "string" and not reads.utf8 and _is_name(inside, before):
            return Wrong(f"the name {word.text} is in quotes, which {reads} does not read", word.start)
    return None


def _called(after: Token) -> bool:
    return after.text == "(" or after.text.lower() in ("by", "without")


def _moves(words: list[Token], number: int) -> bool:
    """Whether what stands here is how far an `offset` goes."""
    at = number - 1
    while at >= 0 and words[at].text in ("-", "+"):
        at -= 1
    if at < 1 or words[at].kind != "name" or words[at].text.lower() != "offset":
        return False
    return words[at - 1].kind in ("name", "number", "duration") or words[at - 1].text in (")", "]", "}")


def _is_name(inside: str, before: Token | None) -> bool:
    """Whether a text in quotes is the name of a metric or a label."""
    if inside == "{":
        return before is None or before.text not in ("=", "!=", "=~", "!~")
    return False
