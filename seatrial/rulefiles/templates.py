"""A small reader of Go text/template as Prometheus uses it for labels and annotations: what it would refuse, and what each action does."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from seatrial.rulefiles.templates_lexing import Beyond, Token, Wrong, tokens, unquoted

__all__ = ["FUNCTIONS", "VARIABLES", "Action", "Beyond", "Command", "Term", "Wrong", "check", "read"]

LARGEST = 256 * 1024
"""Characters of one template."""
DEEPEST = 200
VARIABLES = ("$", "$labels", "$externalLabels", "$externalURL", "$value")
FUNCTIONS = frozenset((
    "and", "call", "html", "index", "slice", "js", "len", "not", "or", "print", "printf", "println", "urlquery",
    "eq", "ge", "gt", "le", "lt", "ne",
    "query", "first", "label", "value", "strvalue", "args", "reReplaceAll", "safeHtml", "match", "title", "toUpper",
    "toLower", "graphLink", "tableLink", "sortByLabel", "stripPort", "stripDomain", "humanize", "humanize1024",
    "humanizeDuration", "humanizePercentage", "humanizeTimestamp", "toTime", "pathPrefix", "externalURL",
    "parseDuration",
))  # fmt: skip
"""Go's own, and those that Prometheus adds."""
_OPERANDS = frozenset(("bool", "char", "complex", "dot", "field", "word", "number", "raw", "string", "variable"))
_CONSTANTS = frozenset(("bool", "char", "complex", "number", "raw", "string", "dot", "nil"))


@dataclass(frozen=True, slots=True)
class Term:
    """One operand: its kind (as of a token, ``nil`` or ``pipeline``), its text, and the fields after it."""

    kind: str
    text: str
    offset: int
    fields: tuple[str, ...] = ()
    inner: Action | None = None


@dataclass(frozen=True, slots=True)
class Command:
    """A function or a value, and its arguments."""

    terms: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Action:
    """A pipeline, and what it stands in."""

    commands: tuple[Command, ...]
    context: str
    """``command``, ``if``, ``range``, ``with``, ``template clause``, ``parenthesized pipeline``…"""
    offset: int
    declares: tuple[str, ...] = ()
    rooted: bool = True
    """Whether ``.`` is the alert itself here, and no part of it."""


@lru_cache(maxsize=512)
def read(text: str, *, newer: bool = False) -> tuple[Action, ...]:
    """The actions of a template, outermost pipelines only.

    Args:
        text: the template.
        newer: whether `{{else with}}` is known, as it is since Go 1.23.

    Raises:
        Wrong: Prometheus refuses it.
    """
    if len(text) > LARGEST:
        raise Beyond(f"longer than {LARGEST // 1024} KiB, which no text of an alert is", 0)
    if "{{" not in text:
        return ()
    return tuple(_Parser(text, newer=newer).all())


def check(text: str, *, newer: bool = False) -> Wrong | None:
    """What is wrong with a template, if anything is."""
    try:
        read(text, newer=newer)
    except Wrong as wrong:
        return wrong
    return None


class _Parser:
    def __init__(self, text: str, *, newer: bool) -> None:
        self.newer = newer
        self.stream = tokens(text)
        self.ahead: list[Token] = []
        self.last = Token("eof", "", 0)
        self.variables: list[str] = list(VARIABLES)
        self.actions: list[Action] = []
        self.loops = 0
        self.depth = 0
        self.rooted = True
        self.defined: dict[str, bool] = {}

    # --- tokens ---------------------------------------------------------------------------------------------------

    def next(self) -> Token:
        self.last = self.ahead.pop() if self.ahead else next(self.stream, Token("eof", "", self.last.offset))
        return self.last

    def back(self, *given: Token) -> None:
        """Put tokens back; the first given is the next read."""
        self.ahead.extend(reversed(given))

    def peek(self) -> Token:
        token = self.next()
        self.back(token)
        return token

    def next_word(self) -> Token:
        token = self.next()
        while token.kind == "space":
            token = self.next()
        return token

    def peek_word(self) -> Token:
        token = self.next_word()
        self.back(token)
        return token

    def unexpected(self, token: Token, where: str) -> Wrong:
        shown = "the end of the text" if token.kind == "eof" else f"`{token.text[:40]}`"
        return Wrong(f"{shown} can't stand here, in {where}", token.offset)

    def close(self, where: str) -> None:
        token = self.next_word()
        if token.kind != "}}":
            raise self.unexpected(token, where)

    # --- structure ------------------------------------------------------------------------------------------------

    def all(self) -> list[Action]:
        while self.peek().kind != "eof":
            if self.peek().kind == "{{":
                delimiter = self.next()
                following = self.next_word()
                if (following.kind, following.text) == ("keyword", "define"):
                    self.define()
                    continue
                self.back(delimiter, following)
            ended = self.node()
            if ended:
                raise Wrong(f"`{{{{{ended}}}}}` without anything that it could be of", self.last.offset)
        return self.actions

    def define(self) -> None:
        token = self.next_word()
        name = self.name(token, "define")
        self.close("define")
        kept = self.variables, self.rooted, self.loops
        self.variables, self.rooted, self.loops = ["$"], False, 0
        ended, filled = self.items()
        if ended != "end":
            raise Wrong(f"`{{{{{ended}}}}}` in a definition", self.last.offset)
        self.variables, self.rooted, self.loops = kept
        self.add(name, filled, token)

    def add(self, name: str, filled: bool, token: Token) -> None:
        if self.defined.get(name) and filled:
            raise Wrong(f"the template {name[:40]} is defined twice", token.offset)
        self.defined[name] = self.defined.get(name, False) or filled

    def name(self, token: Token, where: str) -> str:
        if token.kind not in ("string", "raw"):
            raise self.unexpected(token, where)
        if not unquoted(token):
            raise Wrong(f"{token.text[:40]} is no text of Go: an escape is wrong", token.offset)
        return token.text

    def items(self) -> tuple[str, bool]:
        """Nodes until ``end`` or ``else``, which it gives, and whether there was anything but space."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise Beyond(f"nested deeper than {DEEPEST} levels", self.last.offset)
        filled = False
        while self.peek_word().kind != "eof":
            token = self.peek()
            ended = self.node()
            if ended:
                self.depth -= 1
                return ended, filled
            filled = filled or token.kind != "text" or bool(token.text.strip())
        raise Wrong("the text ends before `{{end}}`", self.peek().offset)

    def node(self) -> str:
        token = self.next_word()
        if token.kind == "text":
            return ""
        if token.kind == "{{":
            return self.action()
        raise self.unexpected(token, "a template")

    def action(self) -> str:
        """One action; ``end`` or ``else`` when it was that."""
        token = self.next_word()
        if token.kind == "keyword":
            match token.text:
                case "block":
                    self.block()
                    return ""
                case "break" | "continue":
                    self.close(f"{{{{{token.text}}}}}")
                    if not self.loops:
                        raise Wrong(f"`{{{{{token.text}}}}}` outside of `{{{{range}}}}`", token.offset)
                    return ""
                case "else":
                    following = self.peek_word()
                    follows = ("if", "with") if self.newer else ("if",)
                    if not (following.kind == "keyword" and following.text in follows):
                        self.close("else")
                    return "else"
                case "end":
                    self.close("end")
                    return "end"
                case "if" | "range" | "with":
                    self.control(token.text)
                    return ""
                case "template":
                    self.name(self.next_word(), "template")
                    following = self.next_word()
                    if following.kind != "}}":
                        self.back(following)
                        self.actions.append(self.pipeline("template", "}}"))
                    return ""
        self.back(token)
        self.actions.append(self.pipeline("an action", "}}"))
        return ""

    def block(self) -> None:
        token = self.next_word()
        name = self.name(token, "block")
        self.actions.append(self.pipeline("block", "}}"))
        kept = self.variables, self.rooted, self.loops
        self.variables, self.rooted, self.loops = ["$"], False, 0
        ended, filled = self.items()
        if ended != "end":
            raise Wrong(f"`{{{{{ended}}}}}` in a block", self.last.offset)
        self.variables, self.rooted, self.loops = kept
        self.add(name, filled, token)

    def control(self, kind: str) -> None:
        kept, rooted = len(self.variables), self.rooted
        self.depth += 1
        if self.depth > DEEPEST:
            raise Beyond(f"nested deeper than {DEEPEST} levels", self.last.offset)
        self.actions.append(self.pipeline(kind, "}}"))
        self.loops += kind == "range"
        self.rooted = rooted and kind == "if"
        ended, _ = self.items()
        self.loops -= kind == "range"
        self.rooted = rooted
        if ended == "else":
            following = self.peek()
            chained = following.kind == "keyword" and following.text == kind and kind in ("if", "with")
            if chained:
                self.next()
                self.control(kind)
            else:
                ended, _ = self.items()
                if ended != "end":
                    raise Wrong("a second `{{else}}` where `{{end}}` should be", self.last.offset)
        self.depth -= 1
        del self.variables[kept:]

    # --- pipelines ------------------------------------------------------------------------------------------------

    def pipeline(self, context: str, end: str) -> Action:
        start = self.peek_word()
        declares: list[str] = []
        while self.peek_word().kind == "variable":
            variable = self.next_word()
            after = self.peek()
            following = self.peek_word() if after.kind != "space" else self._beyond(after)
            if following.kind == "mark" and following.text in ("=", ":="):
                self.next_word()
                declares.append(variable.text)
                self.variables.append(variable.text)
            elif following.kind == "mark" and following.text == ",":
                self.next_word()
                declares.append(variable.text)
                self.variables.append(variable.text)
                again = self.peek_word()
                if context == "range" and len(declares) < 2:
                    if again.kind in ("variable", "}}") or (again.kind == "mark" and again.text == ")"):
                        continue
                    raise Wrong("a range can only give values to variables", again.offset)
                raise Wrong(f"too many variables in {context}", again.offset)
            else:
                self.back(variable)
            break
        commands: list[Command] = []
        while True:
            token = self.next_word()
            if token.kind == end or (token.kind == "mark" and token.text == end):
                break
            operand = token.kind in _OPERANDS or (token.kind == "keyword" and token.text == "nil")
            if not operand and not (token.kind == "mark" and token.text == "("):
                raise self.unexpected(token, context)
            self.back(token)
            commands.append(self.command())
        if not commands:
            raise Wrong(f"nothing stands in {context}", start.offset)
        for command in commands[1:]:
            first = command.terms[0]
            if first.kind in _CONSTANTS and not first.fields:
                raise Wrong(f"`{first.text[:40]}` after a `|` is no function", first.offset)
        return Action(tuple(commands), context, start.offset, tuple(declares), self.rooted)

    def _beyond(self, space: Token) -> Token:
        """The token after a space, both left in place."""
        self.next()
        token = self.peek_word()
        self.back(space)
        return token

    def command(self) -> Command:
        terms: list[Term] = []
        while True:
            self.peek_word()
            term = self.operand()
            if term is not None:
                terms.append(term)
            token = self.next()
            if token.kind == "space":
                continue
            if token.kind == "}}" or (token.kind == "mark" and token.text == ")"):
                self.back(token)
            elif not (token.kind == "mark" and token.text == "|"):
                raise self.unexpected(token, "an action")
            break
        if not terms:
            raise Wrong("a command is empty", self.last.offset)
        return Command(tuple(terms))

    def operand(self) -> Term | None:
        term = self.term()
        if term is None or self.peek().kind != "field":
            return term
        fields: list[str] = []
        while self.peek().kind == "field":
            fields.append(self.next().text)
        if term.kind in _CONSTANTS:
            raise Wrong(f"`{fields[0]}` after `{term.text[:40]}`, which has no fields", term.offset)
        return Term(term.kind, term.text, term.offset, (*term.fields, *fields), term.inner)

    def term(self) -> Term | None:
        token = self.next_word()
        if token.kind == "word":
            if token.text not in FUNCTIONS:
                raise Wrong(self._unknown(token.text), token.offset)
        elif token.kind == "variable":
            if token.text not in self.variables:
                known = ", ".join(f"`{name}`" for name in VARIABLES[1:] if name in self.variables)
                raise Wrong(f"there is no variable `{token.text}`; there are {known or 'none here'}", token.offset)
        elif token.kind in ("string", "char"):
            if not unquoted(token):
                raise Wrong(f"{token.text[:40]} is no text of Go: an escape or a quote is wrong", token.offset)
        elif token.kind == "mark" and token.text == "(":
            self.depth += 1
            if self.depth > DEEPEST:
                raise Beyond(f"nested deeper than {DEEPEST} levels", token.offset)
            inner = self.pipeline("parentheses", ")")
            self.depth -= 1
            return Term("pipeline", "(", token.offset, inner=inner)
        elif token.kind == "keyword" and token.text == "nil":
            return Term("nil", "nil", token.offset)
        elif token.kind not in _OPERANDS:
            self.back(token)
            return None
        return Term(token.kind, token.text, token.offset)

    def _unknown(self, name: str) -> str:
        import difflib

        if f"${name}" in VARIABLES:
            return f"there is no function `{name}`; write `${name}`"
        near = difflib.get_close_matches(name[:60], sorted(FUNCTIONS), 1, 0.7)
        return f"there is no function `{name[:60]}`" + (f"; did you mean `{near[0]}`?" if near else "")
