"""The service's process: settings, socket, signals, and an end in good order."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys

from seatrial.demo import defects
from seatrial.demo.cache import CacheLost
from seatrial.demo.jsonlog import Log
from seatrial.demo.service import Service
from seatrial.demo.settings import BadSetting, Settings, address
from seatrial.demo.web import Bounds, Server

_LOOK_SECONDS = 2.0


def _bound(where: str) -> socket.socket:
    """A socket on the address of the settings. It may follow a predecessor whose connections still linger."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(address(where))
    listener.setblocking(False)
    return listener


async def _look_after(service: Service) -> None:
    """Ask the components every now and then, so that the gauge is current when nobody asks for health."""
    while True:
        await service.health.components(*service.health.checks)
        await asyncio.sleep(_LOOK_SECONDS)


async def _serve(settings: Settings, log: Log) -> None:
    service = Service(settings, log)
    defects.build_in(service)
    await service.store.open()
    if not await service.store.get("welcome"):
        await service.store.put("welcome", "Notes outlive this process.")
    bounds = Bounds(
        body=settings.bytes("max_body"),
        request=settings.seconds("request_timeout"),
        idle=settings.seconds("idle_timeout"),
        connections=int(settings.max_connections),
    )
    server = Server(service.handle, bounds)
    with contextlib.suppress(CacheLost):  # connected before the first probe asks
        await service.probe.call("PING")
    await server.listen(_bound(settings.listen))
    log("started", version=settings.release, pid=os.getpid(), listen=settings.listen)

    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    def orphaned() -> None:
        if not os.read(0, 4096):
            loop.remove_reader(0)
            stop.set()

    # Our standard input is a pipe from the supervisor: at its end there is no supervisor any more.
    loop.add_reader(0, orphaned)
    service.background.append(asyncio.create_task(_look_after(service)))
    await stop.wait()

    # Readiness goes first, while requests are still served: who routes to us gets the time to notice.
    service.health.draining = True
    log("draining")
    await asyncio.sleep(settings.seconds("drain"))
    await server.drain(settings.seconds("grace"))
    for task in service.background:
        task.cancel()
    service.client.close()
    service.probe.close()
    await service.store.close()
    log("stopped")
    log.close()


def main() -> int:
    """Run until SIGTERM, SIGINT, or the end of standard input."""
    # A signal during start-up must not leave a traceback; once the loop runs it has its own handlers.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        settings = Settings.read(os.environ)
        asyncio.run(_serve(settings, Log(settings.log, settings.bytes("log_size"))))
    except (BadSetting, ValueError, OSError) as error:
        print(f"demo-api: {error}", file=sys.stderr)
        return 2
    return 0
