"""A load generator of its own process: it must not slow down the clock that probes are measured by. Standard library alone.

Its orders come as lines of JSON on standard input, and each is answered by a line on standard output. When that input ends,
for whatever reason, it stops at once: nobody is left to stop it.

First line: ``{"host", "port", "tls": null | {"ca", "cert", "key", "name"}, "steps": [{"text": base64, "right": [200], "undo": false}],
"token": "L00000000", "timeout": 10}``. A call is its steps, one after the other, each on a connection of its own; the token is a
number of its own in every call. A step that undoes is made whatever came of those before it, unless these were refused.

Then ``{"closed": WORKERS, "seconds": S, "most": N}``, ``{"open": RATE, "seconds": S, "most": N, "waiting": W}``, ``{"undo": true, "seconds": S}``.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import ssl
import sys
import time
from collections import Counter
from typing import Any

LARGEST = 1 << 20
AFTERWARDS = 3.0
"""Seconds in which, when it is told to stop, what was written is taken away."""


class Generator:
    """Makes calls, and counts what comes of them."""

    def __init__(self, told: dict[str, Any]) -> None:
        self.host, self.port = told["host"], told["port"]
        self.steps = [(base64.b64decode(s["text"]), frozenset(s["right"]), s["undo"]) for s in told["steps"]]
        self.token = told["token"].encode()
        self.timeout = told["timeout"]
        self.trust = _trust(told["tls"]) if told["tls"] else None
        self.name = told["tls"]["name"] if told["tls"] else None
        self.number = 0
        self.left: set[int] = set()
        """Numbers of calls whose traces may still be there."""
        self.stop = False
        self.took: list[float] = []
        self.came: Counter[str] = Counter()

    async def ask(self, text: bytes) -> int:
        """The status of one answer; 0 when there was none."""
        line = None
        try:
            async with asyncio.timeout(self.timeout):
                reader, line = await asyncio.open_connection(
                    self.host, self.port, ssl=self.trust, server_hostname=self.name, limit=LARGEST
                )
                line.write(text)
                head = await reader.readuntil(b"\r\n\r\n")
                status = int(head.split(b" ", 2)[1])
                size = next(
                    (int(h[15:]) for h in head.lower().split(b"\r\n") if h.startswith(b"content-length:")), LARGEST
                )
                if status not in (204, 304):
                    with contextlib.suppress(asyncio.IncompleteReadError):
                        await reader.readexactly(min(size, LARGEST))
                return status
        except (OSError, TimeoutError, ValueError, IndexError, EOFError, asyncio.LimitOverrunError):
            return 0
        finally:
            if line is not None:
                line.transport.abort()

    async def call(self) -> None:
        """One call, all of its steps."""
        self.number += 1
        number, began, well = self.number, time.monotonic(), True
        for text, right, undo in self.steps:
            if undo:
                if number in self.left:
                    await self.undo(number)
                continue
            if any(step[2] for step in self.steps):
                self.left.add(number)
            status = await self.ask(self.numbered(text, number))
            self.came[str(status)] += 1
            well = status in right
            if not well and (400 <= status < 500 or status == 503):  # refused: nothing was written
                self.left.discard(number)
                break
        self.came["ok" if well else "wrong"] += 1
        if well:
            self.took.append(time.monotonic() - began)

    def numbered(self, text: bytes, number: int) -> bytes:
        """A request with the number of its call."""
        return text.replace(self.token, b"L%08d" % number) if self.token else text

    async def undo(self, number: int) -> None:
        """Take away what a call wrote."""
        for text, _, undo in self.steps:
            if undo:
                status = await self.ask(self.numbered(text, number))
                if 200 <= status < 300 or status in (404, 410):
                    self.left.discard(number)

    def result(self, began: float, **more: Any) -> dict[str, Any]:
        """What came of a span."""
        took = sorted(self.took)
        found = {
            "seconds": time.monotonic() - began,
            "ok": self.came.pop("ok", 0),
            "wrong": self.came.pop("wrong", 0),
            "came": dict(self.came),
            "median": took[len(took) // 2] if took else 0.0,
            "p95": took[int(len(took) * 0.95)] if took else 0.0,
            "left": len(self.left),
            **more,
        }
        self.took, self.came = [], Counter()
        return found

    async def closed(self, workers: int, seconds: float, most: int) -> dict[str, Any]:
        """So many at a time, each as soon as the last is answered."""
        began, first = time.monotonic(), self.number

        async def work() -> None:
            while not self.stop and time.monotonic() - began < seconds and self.number - first < most:
                await self.call()

        await asyncio.gather(*(work() for _ in range(workers)))
        return self.result(began)

    async def open(self, rate: float, seconds: float, most: int, waiting: int) -> dict[str, Any]:
        """So many a second, whether or not the last ones were answered."""
        began, made, held = time.monotonic(), 0, 0
        running: set[asyncio.Task[None]] = set()
        while not self.stop and (passed := time.monotonic() - began) < seconds and made + held < most:
            due = min(most, int(passed * rate)) - made - held
            for _ in range(due):
                if len(running) >= waiting:
                    held += 1
                    continue
                made += 1
                task = asyncio.create_task(self.call())
                running.add(task)
                task.add_done_callback(running.discard)
            await asyncio.sleep(min(0.02, 1 / rate))
        took = time.monotonic() - began
        found = self.result(began, made=made, held=held, seconds=took, unanswered=len(running))
        for task in running:  # the load ends now, and not when the last has been waited for
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        self.took, self.came = [], Counter()
        return found

    async def tidy(self, seconds: float) -> dict[str, Any]:
        """Take away what is still there."""
        began = time.monotonic()
        todo = sorted(self.left)

        async def work() -> None:
            while todo and time.monotonic() - began < seconds:
                await self.undo(todo.pop())

        await asyncio.gather(*(work() for _ in range(8)))
        return self.result(began)


def _trust(told: dict[str, Any]) -> ssl.SSLContext:
    made = ssl.create_default_context(cafile=told["ca"])
    if told["cert"]:
        made.load_cert_chain(told["cert"], told["key"], password="")
    return made


async def main() -> None:
    """Do what is ordered until the orders end."""
    loop = asyncio.get_running_loop()
    orders = asyncio.StreamReader(limit=1 << 24)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    generator = Generator(json.loads(await orders.readline()))
    following = asyncio.create_task(orders.readline())
    while line := await following:
        told = json.loads(line)
        following = asyncio.create_task(orders.readline())
        if "closed" in told:
            doing = generator.closed(told["closed"], told["seconds"], told["most"])
        elif "open" in told:
            doing = generator.open(told["open"], told["seconds"], told["most"], told["waiting"])
        else:
            doing = generator.tidy(told["seconds"])
        task = asyncio.create_task(doing)
        await asyncio.wait({task, following}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():  # no further order is given before this one is answered: the orders have ended
            generator.stop = True
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(task, AFTERWARDS)
            break
        sys.stdout.write(json.dumps(task.result()) + "\n")
        sys.stdout.flush()
    if generator.left:
        await generator.tidy(AFTERWARDS)


if __name__ == "__main__":
    asyncio.run(main())
    os._exit(0)
