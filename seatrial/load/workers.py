"""Several processes that make one load: what the master tells its workers, and what they tell it, by Locust's own protocol.

Before Locust lets its users be spawned, the master asks each worker for its clock (several times: the quickest answer is the
surest), and tells each which part of the schedule is its own and when, by its own clock, the load begins. What each has
counted comes with Locust's worker reports, as differences, numbered, so that what is lost is known to be.
"""

from __future__ import annotations

import json
import logging
import math
from time import perf_counter
from typing import TYPE_CHECKING, Any

import gevent  # type: ignore[import-untyped]

from seatrial.load.plan import LoadPlan

if TYPE_CHECKING:
    from seatrial.load.sessions import Session

__all__ = ["Part", "Shares"]

log = logging.getLogger("seatrial.load")

ASKED = 5
"""Times that each worker is asked for its clock."""
ANSWER_WITHIN, ANSWERS_WITHIN = 0.5, 15.0
LEAD = 1.5
"""Seconds from when all were told until the load begins; a message of Locust's may take one, where its socket misses a wake-up."""
PREPARED_WITHIN = 120.0
SILENT = 8.0
"""Seconds without a report after which a worker is lost."""

CLOCK, TOLD, STOP = "seatrial_clock", "seatrial_clock_told", "seatrial_stop"
PLAN, PREPARED, BEGIN = "seatrial_plan", "seatrial_prepared", "seatrial_begin"


class _Worker:
    """One worker, as its master knows it."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.offset = 0.0
        """Its clock less ours."""
        self.doubt = math.inf
        """How far that may be wrong: half of the way there and back."""
        self.heard = 0.0
        self.sequence = 0
        self.prepared = False
        self.told: dict[str, Any] = {}
        """Its last report."""
        self.lost = ""


class Shares:
    """The master's side."""

    def __init__(self, session: Session, runner: Any) -> None:
        self.session = session
        self.runner = runner
        self.workers: dict[str, _Worker] = {}
        self.began = 0.0
        runner.register_message(TOLD, self._clock)
        runner.register_message(PREPARED, self._prepared)
        session.environment.events.worker_report.add_listener(self._report)

    def give(self, plan: LoadPlan) -> None:
        """Divide the load among the workers that are there, and tell each its part."""
        ready = [client.id for client in self.runner.clients.values() if client.state != "missing"]
        ready.sort(key=self.runner.get_worker_index)
        self.workers = {name: _Worker(index) for index, name in enumerate(ready)}
        until, asked = perf_counter() + ANSWERS_WITHIN, 0
        while perf_counter() < until and (asked < ASKED or not all(w.heard for w in self.workers.values())):
            before = {name: worker.heard for name, worker in self.workers.items()}
            self.runner_tells(CLOCK, {"asked": perf_counter()})
            asked += 1
            # A worker that has only just come may not hear the first of them.
            again = perf_counter() + ANSWER_WITHIN
            while perf_counter() < again and any(w.heard == before[n] for n, w in self.workers.items()):
                gevent.sleep(0.002)
        silent = [name for name, worker in self.workers.items() if not worker.heard]
        for name in silent:
            self.lose(name, "does not answer")
        there = [name for name in ready if name not in silent]
        told = plan.dumped()
        for place, name in enumerate(there):
            self.workers[name].index = place
            self.runner.send_message(PLAN, json.dumps({"plan": told, "share": [place, len(there)]}), client_id=name)
        until = perf_counter() + PREPARED_WITHIN
        while perf_counter() < until and not all(self.workers[name].prepared for name in there):
            if any(
                self.runner.clients.get(name) is None or self.runner.clients[name].state == "missing" for name in there
            ):
                break
            gevent.sleep(0.005)
        self.began = perf_counter() + LEAD
        self.session.began = self.began
        for name in there:
            worker = self.workers[name]
            worker.heard = perf_counter() + LEAD
            self.runner.send_message(BEGIN, {"begin": self.began + worker.offset}, client_id=name)

    def runner_tells(self, kind: str, data: Any) -> None:
        """Tell all workers that take part."""
        for name, worker in self.workers.items():
            if not worker.lost:
                self.runner.send_message(kind, data, client_id=name)

    def stop(self, why: str) -> None:
        """Let all end what is under way, and begin nothing more."""
        self.runner_tells(STOP, {"why": why})

    def _clock(self, environment: Any, msg: Any, **_: Any) -> None:
        del environment
        now, worker = perf_counter(), self.workers.get(msg.node_id)
        if worker is None:
            return
        asked, theirs = msg.data["asked"], msg.data["clock"]
        worker.heard = now
        if (now - asked) / 2 < worker.doubt:
            worker.doubt = (now - asked) / 2
            worker.offset = theirs - (asked + now) / 2

    def _prepared(self, environment: Any, msg: Any, **_: Any) -> None:
        del environment
        if worker := self.workers.get(msg.node_id):
            worker.prepared = True

    def _report(self, client_id: str, data: dict[str, Any]) -> None:
        worker, told = self.workers.get(client_id), data.get("seatrial")
        if worker is None or told is None:
            return
        worker.heard = max(worker.heard, perf_counter())
        if told.get("sequence", 0) != worker.sequence:
            self.lose(client_id, "a report of it is missing")
        worker.sequence = told.get("sequence", 0) + 1
        if "news" in told:
            self.session.joined.add(told.pop("news"))
        worker.told = told

    def lose(self, name: str, why: str) -> None:
        """One that is not to be counted on any more."""
        worker = self.workers[name]
        if not worker.lost:
            worker.lost = why
            log.error("worker %s is lost: %s", name, why)

    def look(self) -> None:
        """Notice who has gone."""
        now = perf_counter()
        for name, worker in self.workers.items():
            if worker.told.get("done") or worker.lost:
                continue
            # Locust itself counts one as missing after three seconds, which a busy machine is good for.
            if self.runner.clients.get(name) is None:
                self.lose(name, "it left")
            elif now - worker.heard > SILENT:
                self.lose(name, f"no report for {SILENT:g} s")

    def ended(self, pid: int) -> None:
        """A process of ours is no more."""
        for name, worker in self.workers.items():
            if worker.told.get("pid") == pid and not worker.told.get("done"):
                self.lose(name, "its process ended")

    @property
    def done(self) -> bool:
        """Whether all have told all, or are lost."""
        return all(worker.told.get("done") or worker.lost for worker in self.workers.values())

    @property
    def lost(self) -> list[str]:
        """Why each worker that was lost is."""
        return [worker.lost for worker in self.workers.values() if worker.lost]

    @property
    def skew(self) -> float:
        """Seconds by which the workers may have begun apart: what their clocks are not known by, and how late each was."""
        return max(
            (worker.doubt + worker.told.get("entered", 0.0) for worker in self.workers.values() if worker.told),
            default=0.0,
        )

    def told(self) -> list[dict[str, Any]]:
        """The last report of each worker."""
        return [worker.told for worker in self.workers.values() if worker.told]


class Part:
    """The worker's side."""

    def __init__(self, session: Session, runner: Any) -> None:
        self.session = session
        self.runner = runner
        self.sequence = 0
        runner.register_message(CLOCK, self._clock)
        runner.register_message(PLAN, self._plan, concurrent=True)
        runner.register_message(BEGIN, self._begin)
        runner.register_message(STOP, self._stop)
        session.environment.events.report_to_master.add_listener(self._report)

    def _clock(self, environment: Any, msg: Any, **_: Any) -> None:
        del environment
        self.runner.send_message(TOLD, {"asked": msg.data["asked"], "clock": perf_counter()})

    def _plan(self, environment: Any, msg: Any, **_: Any) -> None:
        del environment
        told, session = json.loads(msg.data), self.session
        session.began = 0.0
        session.plan, session.fixed = LoadPlan.loaded(told["plan"]), True
        session.share = (told["share"][0], told["share"][1])
        session.done, session.trouble, session.loop = False, "", None
        session.prepare()
        self.runner.send_message(PREPARED, None)

    def _begin(self, environment: Any, msg: Any, **_: Any) -> None:
        del environment
        self.session.began = msg.data["begin"]
        self.sequence = 0
        gevent.spawn(self._begin_in_time)
        gevent.spawn(self._tell_when_done)

    def _begin_in_time(self) -> None:
        """Begin when it is time, also where Locust's own word to spawn users is late."""
        session, began = self.session, self.session.began
        gevent.sleep(max(0.0, began - perf_counter() - 0.05))
        if session.loop is None and session.began == began and not session.trouble:
            session.begin()

    def _stop(self, environment: Any, msg: Any, **_: Any) -> None:
        del environment
        if self.session.loop is not None:
            self.session.loop.stop(msg.data["why"])

    def _tell_when_done(self) -> None:
        """Report as soon as the load is over, not when Locust reports next."""
        session, began = self.session, self.session.began
        while not session.done or session.loop is None:
            if session.began != began and session.began:
                return
            if session.trouble and session.done:
                break
            gevent.sleep(0.05)
        self.runner._send_stats()

    def _report(self, client_id: str, data: dict[str, Any]) -> None:
        del client_id
        told = self.session.report()
        if told is not None:
            data["seatrial"] = {**told, "sequence": self.sequence}
            self.sequence += 1
