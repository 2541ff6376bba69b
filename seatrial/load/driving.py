"""A load from its beginning to its result: alone, with workers of its own, or with workers that come from other machines."""

from __future__ import annotations

import math
import os
import signal
import sys
from collections import deque
from time import perf_counter
from typing import Any

import gevent  # type: ignore[import-untyped]
import locust

from seatrial.load.child import Trouble
from seatrial.load.plan import LoadPlan
from seatrial.load.recording import encoded, quantile

__all__ = ["Driver"]

WORKERS_WITHIN = 30.0
FAILING_OVER = 10
"""Seconds over which the share of failures is looked at."""
STOP_DRAIN = 5.0
"""Seconds in which what is under way may end, when the load is stopped."""
AFTER = 12.0
"""Seconds after the last time-out by which all workers have told all they have."""
BEGINS_WITHIN = 150.0


class Driver:
    """Makes one load.

    Args:
        plan: the load.
        environment: Locust's.
        out: where it is told.
        orders: tells when it is to stop.
    """

    def __init__(self, plan: LoadPlan, environment: Any, out: Any, orders: Any) -> None:
        self.plan = plan
        self.environment = environment
        self.stopped = ""
        self._out = out
        self._orders = orders
        self._pids: list[int] = []
        self._window: deque[tuple[int, int]] = deque(maxlen=FAILING_OVER)
        self._before = (0, 0)
        self._shown = -1
        self._stopped_at = 0.0

    def run(self) -> None:
        """Make it, and tell its result.

        Raises:
            Trouble: it can't be made.
        """
        local = self.plan.processes if not self.plan.hosts else 0
        if local <= 1 and not self.plan.hosts:
            self.environment.create_local_runner()
        else:
            self._master(local)
        try:
            if not self.plan.hosts:
                self._reach()
            self._drive(local)
        finally:
            for pid in self._pids:
                _end(pid)

    def _reach(self) -> None:
        from seatrial.load.reaching import unreachable

        hosts = {self.plan.host} if self.plan.host else {each.host for each in self.environment.user_classes}
        for host in sorted(hosts):
            if why := unreachable(host, self.plan.tls, min(self.plan.timeout, 5.0)):
                raise Trouble(f"nothing can be asked of the target: {why}")

    def _master(self, local: int) -> None:
        host, port = "127.0.0.1", 0
        if self.plan.hosts:
            host, _, text = str(self.plan.hosts.get("listen", "127.0.0.1:5557")).rpartition(":")
            host = host.strip("[]")
            if not host or not text.isdigit():
                raise Trouble(f"workers can't come to {self.plan.hosts.get('listen')!r}: say ADDRESS:PORT")
            port = int(text)
        pipes = [self._fork() for _ in range(local)]
        from locust.exception import RPCError

        try:
            runner = self.environment.create_master_runner(host, port)
        except (SystemExit, RPCError, OSError) as why:
            for pid in self._pids:
                _end(pid)
            if isinstance(why, SystemExit) or "in use" in str(why):
                raise Trouble(
                    f"the port {host}:{port} that workers come to is in use: another Locust master?"
                ) from None
            raise Trouble(f"workers can't come to {host}:{port}: {why}") from None
        for pipe in pipes:
            os.write(pipe, b"%d\n" % runner.server.port)
            os.close(pipe)

    def _fork(self) -> int:
        """One more process, which becomes a worker once it is told the master's port on the pipe that is given back."""
        listens, tells = os.pipe()
        pid = gevent.fork()
        if pid:
            os.close(listens)
            self._pids.append(pid)
            return tells
        os.close(tells)
        code = 1
        try:
            _work(self.environment, listens, self._out)
            code = 0
        except BaseException:  # noqa: BLE001 - a worker that goes is noticed where it is missed
            import traceback

            traceback.print_exc()
        finally:
            os._exit(code)

    def _drive(self, local: int) -> None:
        environment, plan = self.environment, self.plan
        runner = environment.runner
        environment.events.init.fire(environment=environment, runner=runner, web_ui=None)
        session = getattr(environment, "seatrial", None)
        if session is None:
            from seatrial.load.sessions import Session

            session = Session(environment, plan)
        gevent.spawn(self._listen)
        self._wait_for_workers(local)
        workers = session.shares.runner.worker_count if session.shares else 1
        users = plan.users or workers
        spawned = gevent.spawn(runner.start, users, max(users / plan.ramp if plan.ramp and plan.users else users, 0.01))
        until = perf_counter() + BEGINS_WITHIN
        while not session.began and not session.trouble:
            if perf_counter() > until:
                raise Trouble("the load did not begin: its workers do not answer")
            gevent.sleep(0.01)
        self._troubled(session)
        # The clock of `time.monotonic`, which on Linux is that of `time.perf_counter`.
        self._out.tell("ready", began=session.began, joined=workers)
        self._follow(session)
        spawned.kill(block=False)
        self._tell(session)

    def _listen(self) -> None:
        while why := self._orders.wait():
            self._stop(why)

    def _wait_for_workers(self, local: int) -> None:
        runner = self.environment.runner
        expected = int(self.plan.hosts.get("expect", 1)) if self.plan.hosts else local
        if expected <= 1 and not self.plan.hosts:
            return
        within = float(self.plan.hosts.get("within", 60.0)) if self.plan.hosts else WORKERS_WITHIN
        until = perf_counter() + within
        while len(runner.clients.ready) < expected:
            if perf_counter() > until:
                came = len(runner.clients.ready)
                raise Trouble(f"{came} of {expected} workers came within {within:g} s")
            if not self.plan.hosts:
                self._reaped()
                if len(self._pids) < expected:
                    raise Trouble("a worker process ended before it began")
            gevent.sleep(0.02)

    def _reaped(self) -> list[int]:
        """Workers of ours that have ended since this was asked last."""
        ended = []
        for pid in list(self._pids):
            try:
                gone = bool(os.waitpid(pid, os.WNOHANG)[0])
            except ChildProcessError:
                gone = True
            if gone:
                self._pids.remove(pid)
                ended.append(pid)
        return ended

    # While it runs

    def _follow(self, session: Any) -> None:
        last = session.began + self.plan.lasts + self.plan.timeout + AFTER
        tick = session.began + 1.0
        while perf_counter() < last:
            gevent.sleep(max(0.005, min(0.05, tick - perf_counter())))
            if self._done(session):
                break
            self._troubled(session)
            if self._stopped_at and perf_counter() > self._stopped_at + STOP_DRAIN + 3.0:
                break
            if perf_counter() >= tick:
                tick += 1.0
                self._second(session)
        if session.shares:
            for name, worker in session.shares.workers.items():
                if not worker.told.get("done"):
                    session.shares.lose(name, "did not end in time")
        self._second(session, last=True)

    def _done(self, session: Any) -> bool:
        if not session.shares:
            return bool(session.done)
        for pid in self._reaped():
            session.shares.ended(pid)
        session.shares.look()
        return bool(session.shares.done)

    def _gather(self, session: Any) -> None:
        if not session.shares and (told := session.report()) and "news" in told:
            session.joined.add(told["news"])

    def _troubled(self, session: Any) -> None:
        if session.shares:
            said = [told["trouble"] for told in session.shares.told() if told.get("trouble")]
        else:
            said = [session.trouble] if session.trouble else []
        if said:
            raise Trouble(said[0])

    def _second(self, session: Any, last: bool = False) -> None:
        self._gather(session)
        joined = session.joined
        # Workers tell theirs up to a second later: of the last one or two seconds not all is known yet.
        known = int(perf_counter() - session.began) - (1 if not session.shares else 3)
        if last:
            known = (
                max(known, math.ceil(self.plan.lasts) - 1) if not self.stopped else int(perf_counter() - session.began)
            )
        known = min(known, math.ceil(self.plan.lasts) - 1)
        p95, late = round(quantile(joined.latency, 0.95), 6), round(quantile(joined.lag, 0.99), 6)
        lost = len(session.shares.lost) if session.shares else 0
        while self._shown < known:
            self._shown += 1
            offered, right, failed = joined.last.get(self._shown, [0, 0, 0])
            sent = offered
            self._out.tell(
                "second",
                at=self._shown,
                offered=offered,
                sent=sent,
                right=right,
                failed=failed,
                p95=p95,
                late=late,
                lost=lost,
            )
        if last:
            return
        self._window.append((joined.right - self._before[0], joined.failed - self._before[1]))
        self._before = (joined.right, joined.failed)
        failed = sum(each[1] for each in self._window)
        made = failed + sum(each[0] for each in self._window)
        if len(self._window) == FAILING_OVER and made and failed / made >= self.plan.stop_at:
            self._stop(f"{failed / made:.0%} of requests failed over ten seconds")

    def _stop(self, why: str) -> None:
        if self.stopped:
            return
        self.stopped = why
        self._stopped_at = perf_counter()
        session = getattr(self.environment, "seatrial", None)
        if session is None:
            return
        if session.shares:
            session.shares.stop(why)
        elif session.loop is not None:
            session.loop.stop(why, drain=min(self.plan.timeout, STOP_DRAIN))

    # Afterwards

    def _tell(self, session: Any) -> None:
        shares, joined = session.shares, session.joined
        told = shares.told() if shares else [session.report() or {}]
        if not shares and "news" in told[0]:
            joined.add(told[0]["news"])
        lost = shares.lost if shares else []
        stopped = self.stopped or next((each["why"] for each in told if each.get("why")), "")
        if lost and len(lost) == len(shares.workers):
            stopped = stopped or f"every worker was lost: {lost[0]}"
        streams = joined.told()
        self._orders.over = True
        self._out.tell(
            "result",
            began=session.began,
            streams=streams,
            generator={
                "version": f"Locust {locust.__version__}",
                "busy": [round(each.get("busy", 0.0), 4) for each in told],
                "lag": encoded(joined.lag),
                "waited": sum(each.get("waited", 0) for each in told),
                "connections": sum(each.get("connections", 0) for each in told),
                "repeated": sum(each.get("repeated", 0) for each in told),
                "unread": max((each.get("unread", 0.0) for each in told), default=0.0),
                "joined": len(told),
                "lost": len(lost),
                "losses": lost,
                "skew": round(shares.skew, 6) if shares else 0.0,
            },
            left=sum(each.get("left", 0) for each in told),
            loop="open" if self.plan.rate else "closed",
            by_locust=bool(session.others),
            seconds=round(max((each.get("seconds", 0.0) for each in told), default=0.0), 3),
            stopped=stopped,
        )
        if self.plan.hosts:
            with gevent.Timeout(3.0, False):
                self.environment.runner.quit()


def _work(environment: Any, listens: int, out: Any) -> None:
    """Be a worker, until the master says that it is over, or is no more."""
    from seatrial.load.child import _with_parent

    _with_parent()
    out.close()
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    port = b""
    while not port.endswith(b"\n"):
        piece = os.read(listens, 16)
        if not piece:
            return
        port += piece
    os.close(listens)
    runner = environment.create_worker_runner("127.0.0.1", int(port))
    environment.events.init.fire(environment=environment, runner=runner, web_ui=None)
    runner.greenlet.join()
    sys.stderr.flush()


def _end(pid: int) -> None:
    """End a process of ours, and wait for it."""
    try:
        if not os.waitpid(pid, os.WNOHANG)[0]:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    except (ChildProcessError, ProcessLookupError):
        return
