"""What becomes of a template that Prometheus loads: an error in place of the text, or what nobody meant to write."""

from __future__ import annotations

import re
from collections.abc import Iterator

from seatrial.rulefiles.templates import Action, Command, Term, read
from seatrial.rulefiles.templates_lexing import Wrong, tokens

__all__ = ["literals", "problems"]

# How many arguments a function takes, at least and at most; None is any number.
_ARGUMENTS: dict[str, tuple[int, int | None]] = {
    **dict.fromkeys(
        ("query", "first", "value", "strvalue", "safeHtml", "title", "toUpper", "toLower", "graphLink", "tableLink",
         "stripPort", "stripDomain", "humanize", "humanize1024", "humanizeDuration", "humanizePercentage", "humanizeTimestamp",
         "toTime", "parseDuration", "len", "not"), (1, 1),
    ),
    **dict.fromkeys(("label", "match", "sortByLabel", "ne", "lt", "le", "gt", "ge"), (2, 2)),
    **dict.fromkeys(("pathPrefix", "externalURL"), (0, 0)),
    **dict.fromkeys(("printf", "index", "and", "or", "slice", "call"), (1, None)),
    "reReplaceAll": (3, 3),
    "eq": (2, None),
}  # fmt: skip
_OF_TEXTS = frozenset(
    ("title", "toUpper", "toLower", "stripPort", "stripDomain", "parseDuration", "match", "reReplaceAll", "query", "graphLink",
     "tableLink", "safeHtml")
)  # fmt: skip
"""Functions that take nothing but texts."""
_COMPARE = frozenset(("eq", "ne", "lt", "le", "gt", "ge"))
_FIELDS = (".Labels", ".ExternalLabels", ".ExternalURL", ".Value")
_VERB = re.compile(r"%(?:%|[-+# 0]*(?:\d+|\*)?(?:\.(?:\d+|\*)?)?(.)?)", re.DOTALL)
_NUMBERS, _TEXTS = "veEfFgGxXbT", "vsqxXT"
_OUTSIDE = re.compile(r"\$(?:labels\.[a-zA-Z_]\w*|externalLabels\.[a-zA-Z_]\w*|value\b)")


def literals(text: str) -> Iterator[tuple[str, int]]:
    """Variables that stand outside of ``{{ }}``, so that their name is what is read; each with its place."""
    if "$" not in text:
        return
    try:
        for token in tokens(text):
            if token.kind == "text":
                for found in _OUTSIDE.finditer(token.text):
                    said = f"`{found[0]}` stands outside of `{{{{ }}}}` and is shown as it is: write `{{{{ {found[0]} }}}}`"
                    yield said, token.offset + found.start()
    except Wrong:
        return


def problems(text: str, *, newer: bool = False) -> Iterator[tuple[str, int]]:
    """What is sure to go wrong when a template is filled in, each with its place; nothing where it is not read at all."""
    try:
        actions = read(text, newer=newer)
    except Wrong:
        return
    told = {name for action in actions for name in action.declares}
    for action in actions:
        yield from _of_action(action, told)


def _of_action(action: Action, told: set[str]) -> Iterator[tuple[str, int]]:
    before: Command | None = None
    for command in action.commands:
        for term in command.terms:
            if term.inner is not None:
                yield from _of_action(term.inner, told)
            yield from _of_term(term, told, rooted=action.rooted)
        yield from _of_command(command, before, _Kinds(told, action.rooted))
        before = command


def _of_term(term: Term, told: set[str], *, rooted: bool) -> Iterator[tuple[str, int]]:
    """Fields that are not there."""
    if term.kind == "field" and rooted:
        name, rest = term.text, term.fields
    elif term.kind == "variable" and term.text == "$" and rooted and term.fields:
        name, rest = term.fields[0], term.fields[1:]
    elif (
        term.kind == "variable"
        and term.text in ("$labels", "$externalLabels", "$value", "$externalURL")
        and term.text not in told
    ):
        name, rest = f".{term.text[1].upper()}{term.text[2:]}", term.fields
    else:
        return
    if name not in _FIELDS:
        near = next((known for known in _FIELDS if known.lower() == name.lower()), "")
        hint = f"; write `{near}`" if near else "; labels are in `$labels`"
        yield f"an alert has no field `{name}`{hint}", term.offset
    elif rest and name in (".Value", ".ExternalURL"):
        yield f"`{term.text if term.text != '$' else name}` has no field `{rest[0]}`", term.offset
    elif len(rest) > 1:
        yield f"`{rest[0]}` is the text of a label, and has no field `{rest[1]}`", term.offset


class _Kinds:
    """What is surely a number, or surely a text, here."""

    def __init__(self, told: set[str], rooted: bool) -> None:
        self.told, self.rooted = told, rooted

    def of(self, term: Term) -> str:
        """``float``, ``int``, ``text``, or nothing where it is not known."""
        if term.kind in ("string", "raw"):
            return "text"
        if term.kind == "number":
            hexed = term.text.lstrip("+-")[:2].lower() == "0x"
            return "float" if re.search(r"[.pP]" if hexed else r"[.eEpP]", term.text) else "int"
        if term.text in self.told:
            return ""
        if (term.kind == "variable" and term.text == "$value" and not term.fields) or (
            self.rooted and term.kind == "field" and term.text == ".Value" and not term.fields
        ):
            return "float"
        if (term.kind == "variable" and term.text == "$labels" and len(term.fields) == 1) or (
            self.rooted and term.kind == "field" and term.text == ".Labels" and len(term.fields) == 1
        ):
            return "text"
        return ""


def _of_command(command: Command, before: Command | None, kinds: _Kinds) -> Iterator[tuple[str, int]]:
    """Functions with what they can't take."""
    first, rest = command.terms[0], command.terms[1:]
    for term in rest:
        if term.kind == "word" and _ARGUMENTS.get(term.text, (0, None))[0] > 0:
            yield f"`{term.text}` stands where a value must: put it with its arguments in parentheses", term.offset
    if first.kind != "word" or first.fields:
        return
    name, given = first.text, [*rest]
    piped = before.terms[0] if before is not None and len(before.terms) == 1 else None
    count = len(given) + (before is not None)
    least, most = _ARGUMENTS.get(name, (0, None))
    if count < least or (most is not None and count > most):
        wanted = "at least " if most is None else ""
        yield f"`{name}` is given {count} argument{'s' * (count != 1)}, and takes {wanted}{least}", first.offset
        return
    sorts = [kinds.of(term) for term in given] + ([kinds.of(piped) if piped else ""] if before is not None else [])
    if name in _OF_TEXTS and "float" in sorts:
        yield f'`{name}` takes texts, and is given a number: write `printf "%v"` before it', first.offset
    elif name in _COMPARE:
        yield from _compared(first, [sort for sort in sorts if sort])
    elif name == "printf" and rest and rest[0].kind in ("string", "raw"):
        yield from _printed(rest[0], sorts[1:])
    elif name == "query" and rest and rest[0].kind in ("string", "raw"):
        yield from _queried(rest[0])


def _compared(first: Term, sorts: list[str]) -> Iterator[tuple[str, int]]:
    if len(set(sorts)) > 1:
        if "text" in sorts:
            said = "a text with a number: write the number in quotes"
        else:
            said = "a fraction with a whole number, which Go does not: write 5.0 in place of 5"
        yield f"`{first.text}` compares {said}", first.offset


def _printed(format: Term, sorts: list[str]) -> Iterator[tuple[str, int]]:
    """Verbs, and what they are given."""
    if "*" in format.text or "%[" in format.text:
        return
    verbs = [(found[1] or "", found[0]) for found in _VERB.finditer(format.text[1:-1]) if found[0] != "%%"]
    if len(verbs) != len(sorts):
        yield f"{format.text[:60]} has {len(verbs)} verbs for {len(sorts)} values", format.offset
    for (verb, whole), sort in zip(verbs, sorts, strict=False):
        if sort == "float" and verb not in _NUMBERS:
            yield f"`{whole}` can't show a number with a fraction: write `%.0f` or `%v`", format.offset
        elif sort == "text" and verb not in _TEXTS:
            yield f"`{whole}` can't show the text of a label: write `%s`", format.offset


def _queried(text: Term) -> Iterator[tuple[str, int]]:
    """A query that is written out."""
    from seatrial.promql.reading import Unreadable, parse

    inside = text.text[1:-1]
    if text.kind == "string" and "\\" in inside:
        inside = re.sub(r'\\(["\\])', r"\1", inside)
        if "\\" in inside.replace("\\\\", ""):
            return
    try:
        parse(inside)
    except Unreadable as wrong:
        if "more than" not in str(wrong) and "readings" not in str(wrong) and "unknown function" not in str(wrong):
            yield f"the query of {text.text[:60]} is no PromQL: {wrong}", text.offset
