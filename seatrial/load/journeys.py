"""A journey: what one visitor does, one request after the other, as a generator that is given each answer.

```python
def note(visit: Visit) -> Steps:
    answer = yield Request("POST", "/notes", json={"text": visit.token})
    id = answer.json()["id"]
    yield Pause(0.5)
    answer = yield Request("GET", f"/notes/{id}", name="GET /notes/{id}")
    if visit.token not in answer.text:
        raise Wrong("what was written is not read back")
```

In an open loop each arrival begins a journey, answered or not; in a closed one each user begins its next when the last is
over. The first request of a journey counts from when the journey was meant to begin, each further one from when the
one before it was answered and the pause was over.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Container, Generator
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Answer", "Journey", "NoAnswer", "Pause", "Request", "Steps", "Visit", "Wrong"]

SUCCESS = range(200, 300)


class Wrong(Exception):
    """An answer that is not what it must be: the request that it answers has failed.

    Args:
        kind: what is wrong, the same words each time, as errors are counted by them.
    """


class NoAnswer(Wrong):
    """No answer came: thrown into the journey where it waits for one, as `Wrong` is for a status that is not right.

    A journey that catches it may tidy up what it has written before; one that does not is over.
    """


@dataclass(slots=True)
class Request:
    """One request of a journey."""

    method: str
    path: str
    """Path and query, or a whole address."""
    name: str = ""
    """What it is counted as, ``GET /notes/{id}``; method and path when empty."""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    json: Any = None
    """A body to be written as JSON."""
    right: Container[int] = SUCCESS
    """Statuses that are as declared; a redirect is an answer, and is not followed."""
    timeout: float | None = None
    """Seconds; that of the load when absent."""
    counted: bool = True
    """False for what only tidies up (in a ``finally``, say): made, and bounded with all the rest, but in no statistic."""


@dataclass(slots=True)
class Pause:
    """The visitor thinks."""

    seconds: float


@dataclass(slots=True)
class Answer:
    """What came back, whole."""

    status: int
    head: bytes
    """Status line and headers, as they came."""
    body: bytes
    seconds: float
    """From when it was meant to be asked."""

    @property
    def text(self) -> str:
        """The body as text; what is no UTF-8 is replaced."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            Wrong: it is none.
        """
        import json

        try:
            return json.loads(self.body)
        except ValueError:
            raise Wrong("the body is no JSON") from None

    def header(self, name: str) -> str:
        """A header's value; empty when there is none."""
        wanted = name.lower().encode() + b":"
        for line in self.head.split(b"\r\n")[1:]:
            if line.lower().startswith(wanted):
                return line[len(wanted) :].strip().decode("latin-1")
        return ""


Steps = Generator[Request | Pause, Answer, None]


@dataclass(slots=True)
class Visit:
    """One journey while it is made."""

    number: int
    """Its number in the whole load: no two visits of all processes have the same."""
    token: str
    """A text of its own: what it writes is told by it from what others write."""
    random: random.Random
    """Chance that is the same in every run with the same seed."""
    data: dict[str, Any] = field(default_factory=dict)
    """What the user class prepared once, for all visits."""


Journey = Callable[[Visit], Steps]
