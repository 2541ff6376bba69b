"""What a service keeps, through the calls that its profile declares: the text of `sentinel` stands for one object's name."""

from __future__ import annotations

import json
import string
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote, urlsplit

from seatrial.drills.stores import Item
from seatrial.drills.stores import _named as named
from seatrial.drills.stores._named import Named, One
from seatrial.words import CouldNotLook, Duration, Missing

if TYPE_CHECKING:
    from seatrial.drills.place import Place
    from seatrial.facts.answer import Answer
    from seatrial.profile.backing import HttpStore
    from seatrial.profile.model import Canary, Service

__all__ = ["KEY", "SECONDS", "Kept", "open"]

KEY = "http"
SECONDS = 30.0
LARGEST = 8 * 1024**2
"""Bytes of one answer that are read."""
MOST = 100_000
LONGEST = 300.0
"""Seconds for which objects are read."""
APART = 1.1
"""Seconds between two reads of one object: what differs between them is no part of it."""
SIZES = (64 * 1024, 8 * 1024, 1024, 128)
"""Characters of a text that a service may take."""
PIECES = 500
GONE = (404, 410)
_ASCII = string.ascii_letters + string.digits + string.punctuation


@dataclass(frozen=True, slots=True)
class _Where:
    """What a declared call asks of a service."""

    url: str
    tls: None = None


def open(place: Place, node: HttpStore) -> Kept:
    """What the service of that node keeps; where the place is the run's own, the one in it."""
    url = place.resolve(node.url).strip().rstrip("/")
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise CouldNotLook("store.http.url is no http or https address")
    return Kept(place, node, url)


class Kept(Named):
    """What a service keeps."""

    KEY = KEY

    def __init__(self, place: Place, node: HttpStore, url: str) -> None:
        super().__init__(place)
        self.node = node
        self.url = url
        self.session = replace(place.session, resolve=place.resolve)
        self._steps: list[int] = place.session.once(("drills", "steps", KEY), list)
        self._moving: set[tuple[Any, ...]] | None = None

    def told(self) -> str:
        """By its address."""
        from seatrial.drivers.http import stripped

        return str(self.session.mask(stripped(self.url)))

    # --- calls ---------------------------------------------------------------------------------------------------------

    def _call(self, node: Canary, whole: Callable[[str], object] | None = None) -> Answer:
        """Make a call; that the service says nothing, or that it is in trouble, is no answer.

        Raises:
            CouldNotLook: it does not.
        """
        from seatrial.drivers._http_calls import call, spoken

        answer = call(
            self.session,
            cast("Service", _Where(self.url)),
            node,
            base=self.url,
            limit=LARGEST,
            whole=whole,
            connect=self.place.connect if self.place.scratch else None,
        )
        if isinstance(answer, Missing):
            raise CouldNotLook(answer.reason, right=answer.right)
        if not answer.whole or answer.endless or answer.status >= 500 or answer.status in (401, 403, 429):
            more = f"more than {LARGEST // 1024**2} MiB" if answer.endless else str(answer) or "no answer"
            raise CouldNotLook(f"{spoken(node).split()[0]} of {self.told()}: {more}")
        return answer

    def _for(self, node: Canary, name: str, change: Callable[[str], str] | None = None) -> Canary:
        """A call about one object; its path is one that HTTP can say."""
        from seatrial.drivers._http_calls import renamed

        own = self.node.sentinel
        body = _each_text(node.body, lambda text: text if own in text else change(text)) if change else node.body
        made = renamed(node.model_copy(update={"body": body}), own, name)
        paths = {
            method: quote(path.replace(own, quote(name, safe="")), safe=_ASCII)
            for method in ("get", "post", "put", "delete")
            if (path := getattr(node, method)) is not None
        }
        return made.model_copy(update=paths)

    def _free(self) -> bool:
        """Whether what is written has a text that may be any."""
        texts: list[str] = []
        _each_text(self.node.write.body, lambda text: texts.append(text) or text)  # type: ignore[func-returns-value]
        return any(self.node.sentinel not in text for text in texts)

    # --- objects -------------------------------------------------------------------------------------------------------

    def _ones(self) -> Iterator[One]:
        """Those without a content are written as the profile says; others with it in place of every text."""
        for one in super()._ones():
            if one.what.startswith("an object with a name"):
                yield replace(one, content=b"")
            elif self._free() or one.name == self.named("plain.txt"):
                yield replace(one, content=one.content if self._free() and one.content else b"")

    def write(self, ones: Sequence[One]) -> dict[str, str]:
        """What is not acknowledged as declared is refused."""
        from seatrial.drivers._http_calls import differs

        refused: dict[str, str] = {}
        for one in ones:
            text = one.content.decode()
            node = self._for(self.node.write, one.name, (lambda _, text=text: text) if text and self._free() else None)  # type: ignore[misc]
            try:
                if wrong := differs(node, self._call(node)):
                    refused[one.name] = wrong
            except CouldNotLook as why:
                if " HTTP 5" not in why.reason:
                    raise
                refused[one.name] = why.reason  # a service that can't take it
        return refused

    def _pieces(self, left: int) -> dict[str, str]:
        """Of the largest size that the service takes."""
        told: dict[str, str] = {}
        end = time.monotonic() + named.SLOWEST
        sizes = [size for size in SIZES if self._free()] or [0]
        number = 0
        while left > 0 and number < PIECES and time.monotonic() < end:
            number += 1
            name = self.named(f"piece-{number:04}")
            text = (f"{name} " + "sea trial " * (sizes[0] // 10 + 1))[: sizes[0]]
            self._known[name] = "a piece"
            if self.write([One(name, "", text.encode())]):
                sizes = sizes[1:]
                if not sizes:
                    break
                continue
            told[name] = f"a text of {len(text)} characters" if text else "an object"
            left -= max(len(text), 64)
        return told

    def _read(self, name: str) -> Any:
        """What reading an object gives, and whether that is JSON; None when it is not there."""
        from seatrial.drivers._http_calls import differs
        from seatrial.facts.document import parse

        heard: list[str] = []
        node = self._for(self.node.read, name)
        answer = self._call(node, heard.append)
        if answer.status in GONE or differs(node, answer):
            return None
        text = heard[-1].replace(self.url, "").replace(urlsplit(self.url).netloc, "")
        value = parse(text)
        return text if value is None else value

    def look(self, names: Collection[str]) -> dict[str, Item]:
        """By what reading each gives, without what differs from one read to the next."""
        found: dict[str, Item] = {}
        end = time.monotonic() + LONGEST
        for name in names:
            if time.monotonic() > end:
                raise CouldNotLook(f"{len(found)} of {len(names)} objects were read within {Duration(LONGEST)}")
            value = self._read(name)
            if value is not None:
                found[name] = named.item(_text(value, self._changing(name, value)))
        return found

    def _changing(self, name: str, value: Any) -> set[tuple[Any, ...]]:
        """Where two reads of one object differ; looked for once a run, so that source and target are read alike."""

        def look() -> set[tuple[Any, ...]]:
            time.sleep(APART)
            places: set[tuple[Any, ...]] = set()
            _differing(value, self._read(name), (), places)
            return places

        if self._moving is None:
            self._moving = self.place.session.once(("drills", "moving", self.node.read.model_dump_json()), look)
            if () in self._moving:
                raise CouldNotLook(f"each read of one object of {self.told()} gives another answer")
        return self._moving

    def names(self) -> set[str] | None:
        """What the call that lists them gives."""
        from seatrial.drivers._http_calls import differs
        from seatrial.facts.document import parse, search

        if self.node.listing is None:
            return None
        heard: list[str] = []
        answer = self._call(self.node.listing, heard.append)
        if wrong := differs(self.node.listing, answer):
            raise CouldNotLook(f"the list of {self.told()}: {wrong}")
        found = parse(heard[-1])
        found = search(self.node.names, found) if self.node.names else found
        if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
            raise CouldNotLook(
                f"the list of {self.told()} holds no list of names",
                right="store.http.names: an expression that gives them",
            )
        if len(found) > MOST:
            raise CouldNotLook(f"the list of {self.told()} holds more than {MOST:,} names")
        return {name for name in found if name}

    def removes(self) -> bool:
        """Where that is declared."""
        return self.node.remove is not None

    def remove(self, names: Collection[str]) -> None:
        """One by one, where that is declared."""
        from seatrial.drivers._http_calls import differs

        if self.node.remove is None:
            return
        for name in names:
            node = self._for(self.node.remove, name)
            answer = self._call(node)
            wrong = differs(node, answer)
            if wrong and answer.status not in GONE and self._read(name) is not None:
                raise CouldNotLook(f"{self.told()} does not remove what it was asked to: {wrong}")

    # --- the writer ----------------------------------------------------------------------------------------------------

    def step(self, number: int) -> None:
        """An object of its own, whose name has the number."""
        name = self._step(number)
        self._steps.append(number)
        if refused := self.write([One(name, "", b"")]):
            raise CouldNotLook(f"{self.told()} refuses a write: {refused[name]}")

    def _step(self, number: int) -> str:
        return self.named(f"step-{(number - 1) % named.PLACES}-{number}")

    def steps(self) -> tuple[int, ...]:
        """The largest of each place that is there."""
        listed = self.names()
        found = [0] * named.PLACES
        for number in sorted(set(self._steps), reverse=True):
            at = (number - 1) % named.PLACES
            name = self._step(number)
            if not found[at] and (name in listed if listed is not None else self._read(name) is not None):
                found[at] = number
        return tuple(found)

    def unseed(self) -> None:
        """As long as the service answers."""
        names = {name for name in self.names() or () if named.ours(name)} | set(self._known)
        self.remove(sorted(names | {self._step(number) for number in set(self._steps)}))


def _each_text(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {key: _each_text(inner, change) for key, inner in value.items()}
    if isinstance(value, list):
        return [_each_text(inner, change) for inner in value]
    return value


def _differing(one: Any, other: Any, at: tuple[Any, ...], places: set[tuple[Any, ...]]) -> None:
    """The places where two documents differ; those of a list are all one."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in {*one, *other}:
            if key in one and key in other:
                _differing(one[key], other[key], (*at, key), places)
            else:
                places.add((*at, key))
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for left, right in zip(one, other, strict=True):
            _differing(left, right, (*at, None), places)
    elif one != other:
        places.add(at)


def _without(value: Any, at: tuple[Any, ...], places: set[tuple[Any, ...]]) -> Any:
    if isinstance(value, Mapping):
        return {key: _without(inner, (*at, key), places) for key, inner in value.items() if (*at, key) not in places}
    if isinstance(value, list):
        return [_without(inner, (*at, None), places) for inner in value] if (*at, None) not in places else []
    return value


def _text(value: Any, places: set[tuple[Any, ...]]) -> bytes:
    """A document in a form that does not depend on how it was written."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    told = json.dumps(_without(value, (), places), sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return told.encode()
