"""Sentinels: what is written through a service's own canary, so that it can be looked for later, and nothing else be taken for it."""

from __future__ import annotations

import contextlib
import string
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from seatrial.drivers._http_calls import call, differs, renamed, unique
from seatrial.words import CouldNotLook, Missing

if TYPE_CHECKING:
    from seatrial.drivers import Session
    from seatrial.profile.model import Canary

__all__ = ["Sentinel", "Sentinels", "kinds", "telling"]

_ASCII = string.ascii_letters + string.digits + string.punctuation
LONG = 120
"""Characters that a long id has more: well below the 255 bytes that a name may have in most file systems."""
LARGE = 16 * 1024
"""Characters of a large text: below what is kept of an answer, so that it can be compared."""
RETRIED = 0.25
SILENT = 3
"""Answers in a row that may be missing before a service counts as silent."""


@dataclass(frozen=True, slots=True)
class Sentinel:
    """One thing that was written, or was to be."""

    kind: str
    """What is peculiar about it: ``plain``, ``long id``."""
    node: Canary
    """The call that wrote it; its `read_back` finds just this, its `remove` takes just this away."""
    failure: str
    """Why it does not count as written; empty when it was acknowledged."""
    seconds: float = 0.0
    status: int = 0


def telling(profile_services: Any, name: str) -> Canary:
    """The canary of a service, which must be able to tell its own writes.

    Raises:
        CouldNotLook: it is not declared so.
    """
    node: Canary | None = profile_services[name].canary
    if node is None:
        raise CouldNotLook(f"{name} declares no call that clients make", right=f"services.{name}.canary")
    lacking = [f"services.{name}.canary.{key}" for key in ("sentinel", "read_back") if getattr(node, key) is None]
    if lacking:
        raise CouldNotLook(
            f"nothing that the canary of {name} writes can be told from what was there before, and found again",
            right=" and ".join(lacking),
        )
    return node


def _each_text(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {key: _each_text(inner, change) for key, inner in value.items()}
    if isinstance(value, list):
        return [_each_text(inner, change) for inner in value]
    return value


def _sound(node: Canary) -> Canary:
    """A call whose path is one that HTTP can say."""
    changes: dict[str, Any] = {
        method: quote(path, safe=_ASCII)
        for method in ("get", "post", "put", "delete")
        if (path := getattr(node, method)) is not None
    }
    for second in ("read_back", "remove"):
        if (inner := getattr(node, second)) is not None:
            changes[second] = _sound(inner)
    return node.model_copy(update=changes)


def kinds(node: Canary) -> Iterator[tuple[str, str, Callable[[str], str] | None]]:
    """Kinds of sentinels: what they are called, what their id has more, and how the body's other texts are changed.

    A service need not accept all of them: those it does not acknowledge are not looked for.
    """
    yield "plain", "", None
    yield "long id", "-" + "x" * LONG, None
    yield "id beyond ASCII", "-äß漢字🚢", None
    own = node.sentinel or ""
    texts: list[str] = []
    _each_text(node.body, lambda text: texts.append(text) or text)  # type: ignore[func-returns-value]
    if any(own not in text for text in texts):
        yield "blank text", "-blank", lambda _: " "
        yield "longer text", "-longer", lambda _: ("sea trial " * LONG)[: 4 * LONG]
        yield "large text", "-large", lambda _: ("sea trial " * LARGE)[:LARGE]


class Sentinels:
    """Writes, reads and removes them."""

    def __init__(self, session: Session, name: str, node: Canary, *, base: str = "") -> None:
        self.session = session
        self.service = session.profile.services[name]
        self.node = node
        self.base = base

    def made(self, more: str = "", change: Callable[[str], str] | None = None) -> Canary:
        """A call with a sentinel of its own."""
        declared = self.node.sentinel or ""
        own = unique(declared) + more
        node = renamed(self.node, declared, own)
        if change is not None:
            body = _each_text(node.body, lambda text: text if own in text else change(text))
            node = node.model_copy(update={"body": body})
        return _sound(node)

    def write(self, kind: str = "plain", more: str = "", change: Callable[[str], str] | None = None) -> Sentinel:
        """Write one; whether it was acknowledged is told by its failure."""
        node = self.made(more, change)
        answer = call(self.session, self.service, node, base=self.base)
        if isinstance(answer, Missing):
            return Sentinel(kind, node, answer.reason)
        return Sentinel(kind, node, differs(node, answer), answer.seconds, answer.status)

    def found(self, one: Sentinel) -> str | None:
        """How what is read differs from what was written: empty when it is there, None when nothing was answered."""
        node = one.node.read_back
        assert node is not None
        answer = call(self.session, self.service, node, base=self.base)
        return None if isinstance(answer, Missing) or not answer.status else differs(node, answer)

    def _pass(self, ones: Sequence[Sentinel], known: Sequence[str | None]) -> list[str | None]:
        """Look once for those that were not there yet. A service that is silent is not asked for each of hundreds."""
        found: list[str | None] = []
        silent = 0
        for one, was in zip(ones, known, strict=True):
            now = was if was == "" else self.found(one) if silent < SILENT else None
            silent = silent + 1 if now is None else 0
            found.append(now)
        return found

    def lost(self, ones: Sequence[Sentinel], within: float) -> list[str | None]:
        """For each how what is read differs from what was written, after it was looked for until time was up; None when nothing
        was answered.
        """
        end = time.monotonic() + within
        found = self._pass(ones, [None] * len(ones))
        while found != [""] * len(ones) and time.monotonic() < end:
            time.sleep(RETRIED)
            found = self._pass(ones, found)
        return found

    def gone(self, one: Sentinel) -> bool | None:
        """Whether the service says that it has no such thing; None when it says nothing that could be understood."""
        node = one.node.read_back
        assert node is not None
        answer = call(self.session, self.service, node, base=self.base)
        if isinstance(answer, Missing) or not answer.whole or not answer.status or answer.status >= 500:
            return None
        return bool(differs(node, answer))

    def remove(self, one: Sentinel) -> Sentinel:
        """Take it away, where that is declared."""
        node = one.node.remove
        if node is None:
            return one
        answer = call(self.session, self.service, node, base=self.base)
        if isinstance(answer, Missing):
            return replace(one, failure=answer.reason, status=0)
        return replace(one, failure=differs(node, answer), status=answer.status)

    def tidy(self, ones: Iterable[Sentinel]) -> None:
        """Take all of them away, where that is declared, as long as the service answers."""
        if self.node.remove is not None:
            with contextlib.suppress(CouldNotLook):
                for one in ones:
                    if not self.remove(one).status:
                        return
