"""What one load is to be: told to the process that makes it on its standard input, as it may hold secrets."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = ["Call", "LoadPlan"]


@dataclass(frozen=True, slots=True)
class Call:
    """One request of a declared load, made as it is."""

    method: str
    path: str
    name: str
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    right: tuple[int, ...] = (200,)
    undo: bool = False
    """True for what takes away what the others wrote: not counted, and made whatever came of them."""
    needs: str = ""
    """What the answer must hold: a JSON object of JMESPath expressions and the values that they must give
    (``{"text": "Written by a sea trial."}``), or any other text, which must be in the body. Empty for nothing. The token is put
    in its place as in all the rest."""


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """One load."""

    name: str
    """``slos.read``."""
    host: str
    """``http://127.0.0.1:8080``: what paths are relative to."""
    calls: tuple[Call, ...] = ()
    """One request, or several that are one visit; none where a Locust file says."""
    sentinel: str = ""
    """Text in calls that is replaced by a token of its own in each visit."""
    locustfile: str = ""
    """Absolute path."""
    environment: dict[str, str] = field(default_factory=dict)
    """For the Locust file."""
    tls: dict[str, str] = field(default_factory=dict)
    """``ca``, ``cert``, ``key``: absolute paths; ``server_name``."""
    rate: float = 0.0
    """Arrivals a second, of all processes together; 0 for a closed loop."""
    arrivals: str = "constant"
    users: int = 0
    pause: float = 0.0
    ramp: float = 0.0
    warm_up: float = 0.0
    duration: float = 60.0
    timeout: float = 10.0
    connections: int = 256
    max_requests: int = 0
    """0 is no bound."""
    stop_at: float = 0.5
    """Share of failed requests over ten seconds at which it stops."""
    processes: int = 1
    hosts: dict[str, Any] = field(default_factory=dict)
    """``expect``, ``listen``, ``within`` for workers on other machines; then `processes` are not ours."""
    seed: int = 0
    cpus: tuple[int, ...] = ()
    """Processors that the generator is kept to; all when empty."""

    @property
    def lasts(self) -> float:
        """Seconds in which requests are begun."""
        return self.ramp + self.warm_up + self.duration

    def dumped(self) -> str:
        """As a line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def loaded(cls, line: str) -> LoadPlan:
        """Read what `dumped` wrote."""
        told = json.loads(line)
        calls = tuple(Call(**{**call, "right": tuple(call["right"])}) for call in told.pop("calls"))
        return cls(**{**told, "calls": calls, "cpus": tuple(told.pop("cpus"))})
