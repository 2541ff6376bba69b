"""One load in one Locust process: begun and ended by Locust's own events, whichever way Locust itself was started."""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Callable
from time import perf_counter, process_time
from typing import Any

import gevent  # type: ignore[import-untyped]
from locust.runners import MasterRunner, WorkerRunner

from seatrial.load.arrivals import Schedule, portion
from seatrial.load.feeding import MARK, Feeder
from seatrial.load.options import plan_of
from seatrial.load.plan import LoadPlan
from seatrial.load.recording import Joined, Recorder, quantile
from seatrial.load.visitors import Seat, Wheel
from seatrial.load.visits import Loop

__all__ = ["Session"]

log = logging.getLogger("seatrial.load")

GRACE = 1.0
"""Seconds for which what is under way is waited for when Locust is told to stop, if it is given no time for it."""
LEAD = 0.05


class Session:
    """A process's part of one load after the other.

    Args:
        environment: Locust's; it is found there again as `environment.seatrial`.
        plan: what to make; what the options say when absent.
    """

    def __init__(self, environment: Any, plan: LoadPlan | None = None) -> None:
        self.environment = environment
        self.plan: LoadPlan | None = plan or getattr(environment, "seatrial_plan", None)
        self.fixed = self.plan is not None
        self.loop: Any = None
        self.recorder: Recorder | None = None
        self.share = (0, 1)
        self.began = 0.0
        self.joined = Joined()
        """What was told so far: of this process, or of all workers where this is the master."""
        self.trouble = ""
        self.done = False
        self.shares: Any = None
        self._data: dict[Any, dict[str, Any]] = {}
        self._greenlet: Any = None
        self._stock: Stock | None = None
        environment.seatrial = self
        import seatrial.load.singles
        import seatrial.load.wire  # noqa: F401 - now, and not when the first request is due

        events = environment.events
        runner = environment.runner
        events.test_start.add_listener(self._started)
        events.test_stopping.add_listener(self._stopping)
        events.test_stop.add_listener(self._stopped)
        events.quit.add_listener(self._quit)
        if isinstance(runner, MasterRunner):
            from seatrial.load.workers import Shares

            self.shares = Shares(self, runner)
        if isinstance(runner, WorkerRunner):
            from seatrial.load.workers import Part

            Part(self, runner)

    @property
    def classes(self) -> list[Any]:
        """The user classes that make journeys."""
        from seatrial.load.users import JourneyUser

        return [each for each in self.environment.user_classes if issubclass(each, JourneyUser)]

    @property
    def others(self) -> list[Any]:
        """Those that do not."""
        return [each for each in self.environment.user_classes if each not in self.classes]

    def planned(self) -> LoadPlan:
        """What is to be made."""
        if self.plan is None or not self.fixed:
            host = self.environment.host or next((each.host for each in self.classes if each.host), "") or ""
            self.plan = plan_of(self.environment.parsed_options, host)
        return self.plan

    # Locust's events

    def _started(self, **_: Any) -> None:
        runner = self.environment.runner
        if not isinstance(runner, WorkerRunner):
            self.done, self.trouble = False, ""
        if isinstance(runner, MasterRunner):
            self.joined = Joined(by_second=self.fixed)
            self.shares.give(self.planned())
        elif isinstance(runner, WorkerRunner):
            if self.trouble or (self.recorder is not None and self.recorder.began == self.began):
                return  # it has begun, without waiting for this
            if self.began == 0.0:
                log.warning("joined a load that has begun already: takes no part in it")
                return
            self.begin()
        else:
            self.joined = Joined(by_second=self.fixed)
            self.share = (0, 1)
            self.planned()
            self.prepare()
            self.began = perf_counter() + LEAD
            if not self.trouble:
                self.begin()
            elif not self.fixed:
                gevent.spawn_later(0, runner.quit)

    def _stopping(self, **_: Any) -> None:
        if self.loop is not None and not self.loop.over:
            self.loop.stop("Locust was told to stop", drain=max(self.environment.stop_timeout or 0.0, GRACE))
        if self._greenlet is not None and self._greenlet is not gevent.getcurrent():
            self._greenlet.join(timeout=max(self.environment.stop_timeout or 0.0, GRACE) + 2.0)

    def _stopped(self, **_: Any) -> None:
        runner = self.environment.runner
        if not isinstance(runner, MasterRunner | WorkerRunner) and self.recorder is not None and not self.fixed:
            self.joined.add(self.recorder.news())
            self.say()
        self.began = 0.0

    def _quit(self, **_: Any) -> None:
        # What the workers had left has come by now.
        if self.shares is not None and not self.fixed:
            self.shares.look()
            self.say()

    # The load

    def begin(self) -> None:
        """Begin this process's part, in a greenlet of its own."""
        plan = self.plan
        assert plan is not None
        ignored: tuple[Any, ...] = ()
        if self.others and self._stock is None:
            self._stock = Stock(self)
            ignored = (self._stock.heard,)
        elif self._stock is not None:
            ignored = (self._stock.heard,)
        self.recorder = Recorder(
            self.began,
            judged_from=plan.ramp + plan.warm_up,
            lasts=plan.lasts,
            bulk=Feeder(self.environment, ignored),
        )
        self.loop = None
        try:
            self.loop = self._made(plan, self.recorder) if self.classes else _Waiting(self.recorder, plan.lasts)
        except Exception as error:  # noqa: BLE001 - prepare() is somebody else's code
            self.trouble = _told(error)
            log.error("%s", self.trouble)
            self.done = True
            self.environment.process_exit_code = 1
            gevent.spawn_later(0, self.environment.runner.quit)
            return
        self._greenlet = gevent.spawn(self._run, self.loop)
        if not self.fixed:
            gevent.spawn(self._keep, self.recorder, self.joined)

    def _keep(self, recorder: Recorder, joined: Joined) -> None:
        """A load without an end must not fill the memory: what was counted is added up, and its seconds are let go."""
        while self.recorder is recorder and not self.done:
            gevent.sleep(5.0)
            if self.recorder is recorder:
                joined.add(recorder.news())

    def _run(self, loop: Any) -> None:
        try:
            loop.run()
        except Exception as error:  # told, as nobody else would see it
            log.exception("the load ended by an error of its own")
            self.trouble = _told(error)
        self._tidied()
        self.done = True

    def _made(self, plan: LoadPlan, recorder: Recorder) -> Loop:
        from seatrial.load.wire import Client, encode

        index, of = self.share
        journeys = []
        for each in self.classes:
            mine = each.journeys_of(plan)
            data = self._prepared(each)
            journeys += [(journey, weight * max(each.weight, 1e-9), data) for journey, weight in mine]
        if not journeys:
            raise ValueError(f"{self.classes[0].__name__} has no journeys")
        if not plan.host:
            raise ValueError("no host: say --host http://HOST:PORT")
        arrivals = None
        if plan.rate:
            lasts = plan.lasts
            schedule = Schedule(plan.rate, lasts=lasts, ramp=plan.ramp, kind=plan.arrivals, seed=plan.seed)
            arrivals = schedule.times(index, of)

        def client(origin: str) -> Any:
            return Client(
                origin,
                connections=plan.connections,
                timeout=plan.timeout,
                tls=plan.tls if origin[:6] == "https:" else None,
            )

        kind: type[Loop] = Loop
        single = None
        if plan.rate and len(self.classes) == 1 and hasattr(self.classes[0], "single"):
            single = self.classes[0].single(plan)
        extra: dict[str, Any] = {}
        if single is not None:
            from seatrial.load.singles import Single

            kind, extra = Single, {"call": single, "sentinel": plan.sentinel}
        return kind(
            recorder,
            client=client,
            encode=encode,
            origin=plan.host.rstrip("/"),
            arrivals=arrivals,
            wheel=Wheel(journeys, plan.seed),
            lasts=plan.lasts,
            timeout=plan.timeout,
            pause=plan.pause,
            budget=portion(plan.max_requests, index, of) if plan.max_requests else math.inf,
            longest=max(len(plan.calls), 1),
            seed=plan.seed,
            token=f"t{os.urandom(5).hex()}-",
            step=(index, of),
            rest=_turn(),
            amiss=self._amiss,
            **extra,
        )

    def _prepared(self, kind: Any) -> dict[str, Any]:
        if kind not in self._data:
            if self.environment.host:
                kind.host = self.environment.host
            import inspect

            function = inspect.getattr_static(kind, "prepare")
            told = (
                kind.prepare() if isinstance(function, classmethod | staticmethod) else kind(self.environment).prepare()
            )
            self._data[kind] = dict(told or {})
        return self._data[kind]

    def _tidied(self) -> None:
        """What was made for the load is taken away; the next one makes its own."""
        prepared, self._data = self._data, {}
        for kind, data in prepared.items():
            try:
                kind.tidy(data)
            except Exception as error:  # noqa: BLE001 - tidy() is somebody else's code, and the load is over
                log.warning("%s.tidy(): %s", kind.__name__, _told(error))

    def _amiss(self, error: BaseException) -> None:
        log.debug("a journey failed", exc_info=error)

    def prepare(self) -> None:
        """Let the user classes prepare what all visits need, before the load begins."""
        plan = self.plan
        try:
            if plan is not None and self.environment.host is None:
                self.environment.host = plan.host or None
            for each in self.classes:
                self._prepared(each)
        except Exception as error:  # noqa: BLE001 - prepare() is somebody else's code
            self.trouble = f"prepare: {_told(error)}"
            self.done = True
            self.environment.process_exit_code = 1
            log.error("%s", self.trouble)

    # Users of a closed loop

    def sit(self, kind: Any) -> Seat | None:
        """One more user; nothing in an open loop."""
        plan = self.plan
        if self.loop is None or plan is None or plan.rate or self.loop.over:
            return None
        mine = [(journey, weight, self._prepared(kind)) for journey, weight in kind.journeys_of(plan)]
        seat = Seat(Wheel(mine, plan.seed))
        self.loop.sit(seat, perf_counter())
        return seat

    def leave(self, seat: Seat) -> None:
        """One less."""
        if self.loop is not None:
            self.loop.leave(seat)

    # What is told

    def report(self) -> dict[str, Any] | None:
        """What is new in this process."""
        if self.recorder is None or self.loop is None:
            return None if not self.trouble else {"trouble": self.trouble, "done": True, "index": self.share[0]}
        return {
            "index": self.share[0],
            "pid": os.getpid(),
            "news": self.recorder.news(),
            "busy": self.loop.busy(),
            "waited": self.loop.waited,
            "left": self.loop.left,
            "connections": self.loop.connections,
            "repeated": self.loop.repeated,
            "unread": self.loop.unread,
            "done": self.done,
            "why": self.loop.why,
            "seconds": min(self.loop.seconds, 1e9),
            "entered": max(0.0, self.loop.entered - self.began) if self.loop.entered else 0.0,
            "trouble": self.trouble,
        }

    def say(self) -> None:
        """Put true numbers into Locust's log, as its own table rounds them."""
        plan, joined = self.plan, self.joined
        if plan is None or not joined.latency:
            return
        loop = f"open loop, {plan.rate:g}/s {plan.arrivals}" if plan.rate else "closed loop"
        told = " ".join(f"p{q:g} {quantile(joined.latency, q / 100) * 1e3:.3g} ms" for q in (50, 95, 99, 99.9))
        late = f"dispatch lag p99 {quantile(joined.lag, 0.99) * 1e3:.3g} ms"
        log.info("%s: %d right, %d failed; %s; %s", loop, joined.right, joined.failed, told, late)


class _Waiting:
    """In the place of a loop where only Locust's own users make requests: lets the time go by."""

    def __init__(self, recorder: Recorder, lasts: float) -> None:
        self.began = self.entered = recorder.began
        self.ends = self.began + lasts
        self.recorder = recorder
        self.why = ""
        self.stopped_at = 0.0
        self.over = False
        self.waited = self.connections = self.repeated = self.left = 0
        self.unread = 0.0
        self._used: list[tuple[float, float]] = []

    def stop(self, why: str, drain: float | None = None) -> None:
        """End."""
        del drain
        if not self.stopped_at:
            self.why, self.stopped_at = why, perf_counter()
            self.recorder.ends = self.ends = min(self.ends, self.stopped_at)

    def run(self) -> None:
        """Wait for the end."""
        while perf_counter() < self.ends:
            gevent.sleep(min(0.2, max(0.001, self.ends - perf_counter())))
            self.recorder.fold()
            self._used.append((perf_counter(), process_time()))
        gevent.sleep(0.3)
        self.over = True

    seconds = Loop.seconds
    busy = Loop.busy

    def sit(self, seat: Seat, at: float) -> None:
        """Nobody sits here."""

    def leave(self, seat: Seat) -> None:
        """Nobody sits here."""


class Stock:
    """Listens to what Locust's own users tell, and counts that too."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.heard: Callable[..., None] = self._heard
        session.environment.events.request.add_listener(self.heard)

    def _heard(
        self,
        request_type: str = "",
        name: str = "",
        response_time: float | None = None,
        exception: BaseException | None = None,
        context: Any = None,
        start_time: float | None = None,
        **_: Any,
    ) -> None:
        recorder = self._session.recorder
        if recorder is None or (isinstance(context, dict) and context.get(MARK)):
            return
        now, took = perf_counter(), (response_time or 0.0) / 1e3
        begun = now - took if start_time is None else now - (time.time() - start_time)
        if begun < recorder.began:
            return
        track = recorder.track(f"{request_type} {name}".strip(), "")
        track.fed = False
        track.begun.append(begun)
        if exception is None:
            track.right(begun, begun + took)
        else:
            track.failed(begun, begun + took, _http(exception))


def _http(error: BaseException) -> str:
    """Kinds of Locust's own failures in our words, where they are the same."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    text = f"HTTP {status}" if status else " ".join(str(error).split())
    return text[:120] or type(error).__name__


def _told(error: BaseException) -> str:
    return " ".join((str(error) or type(error).__name__).split())[:300]


def _turn() -> Callable[[], None]:
    """Let the hub look at everything once, which a sleep of no time at all does not."""
    hub = gevent.get_hub()
    most = hub.loop.MAXPRI

    def turn() -> None:
        hub.wait(hub.loop.idle(priority=most))

    return turn
