"""What the service says about itself: alive, ready, and the detailed document."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from seatrial.demo.cache import CacheLost
from seatrial.demo.messages import Request, Response, answer
from seatrial.demo.store import StoreLost

Check = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Component:
    """One thing the service needs, as it was when it was asked."""

    status: str
    latency_ms: float
    reason: str = ""

    def as_json(self) -> dict[str, Any]:
        """As it is sent; a reason only when there is something to explain."""
        shown: dict[str, Any] = {"status": self.status, "latency_ms": self.latency_ms}
        return {**shown, "reason": self.reason} if self.reason else shown


async def ask(check: Check, timeout: float) -> Component:
    """Ask a component, for a bounded time. What it says to strangers holds no address and no path."""
    began, reason = time.monotonic(), ""
    try:
        async with asyncio.timeout(timeout):
            await check()
    except TimeoutError:
        reason = "timed out"
    except (CacheLost, StoreLost) as error:
        reason = str(error)
    return Component("down" if reason else "ok", round((time.monotonic() - began) * 1000, 3), reason)


@dataclass(slots=True)
class Health:
    """The three handlers, and the checks behind them."""

    release: str
    checks: dict[str, Check]
    readiness_asks: tuple[str, ...]
    timeout: float
    told: Callable[[str, bool], None]
    """Hears of each component that was asked, for the metrics."""
    decisive: tuple[str, ...] = ("store", "cache")
    """Components without which the service is down; another one that is lost makes it no worse."""
    draining: bool = False
    started: float = field(default_factory=time.monotonic)

    async def components(self, *names: str) -> dict[str, Component]:
        """Ask components, all at once: the slowest bounds the answer, not their sum."""
        found = await asyncio.gather(*(ask(self.checks[name], self.timeout) for name in names))
        for name, component in zip(names, found, strict=True):
            self.told(name, component.status == "ok")
        return dict(zip(names, found, strict=True))

    async def live(self, _request: Request) -> Response:
        """The process serves. Nobody else is asked: restarting this process does not mend another one."""
        return answer({"status": "ok"})

    async def ready(self, _request: Request) -> Response:
        """It can do its work now, and is not about to stop."""
        if self.draining:
            return answer({"status": "draining", "components": {}}, 503)
        components = await self.components(*self.readiness_asks)
        ready = all(component.status == "ok" for component in components.values())
        shown = {name: component.as_json() for name, component in components.items()}
        return answer({"status": "ready" if ready else "not ready", "components": shown}, 200 if ready else 503)

    async def detail(self, _request: Request) -> Response:
        """Everything it knows, for people and dashboards."""
        components = await self.components(*self.checks)
        healthy = all(components[name].status == "ok" for name in self.decisive)
        document = {
            "status": "ok" if healthy else "down",
            "service": "demo-api",
            "version": self.release,
            "uptime_seconds": round(time.monotonic() - self.started, 3),
            "components": {name: component.as_json() for name, component in components.items()},
        }
        return answer(document, 200 if healthy else 503)
