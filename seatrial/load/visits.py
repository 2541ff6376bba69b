"""The loop that makes visits: begins them when they are due, gives each its answers, and waits for nothing but the next of both.

One thread, one loop, no greenlet a visit: a visit is a generator that lies in a set until what it waits for is there. The
loop is handed the client, the recorder and what lets others have a turn, so that it needs neither Locust nor a network to be
tried out.
"""

from __future__ import annotations

import heapq
import json
import math
from collections.abc import Callable, Iterator
from time import perf_counter, process_time
from typing import Any

from seatrial.load.journeys import Answer, Journey, NoAnswer, Pause, Request, Wrong
from seatrial.load.recording import Recorder
from seatrial.load.visitors import Chanced, Going, Seat, Wheel, kind_of, split

__all__ = ["Loop"]

TURN = 0.004
"""Seconds after which everything else in the process has its turn."""
FOLD = 0.2
DRAIN = 5.0
"""Seconds after the last time-out in which visits are to end."""
HOPELESS = 2.0
"""Seconds after its end in which a load that the generator is late with is still begun."""
BURST = 64
"""Visits that are begun before answers are looked at again."""
BUSY_OVER = 5.0
"""Seconds over which the generator's own use of the processor is averaged; the busiest such time is told."""
NO_END = "no answer by the end of the load"


class Loop:
    """One process's part of a load.

    Args:
        recorder: counts; its `began` is when the load begins.
        arrivals: number and second of each visit of an open loop; none for a closed one.
        wheel: which journey each visit of an open loop makes.
        client: makes a client for an origin.
        encode: writes a request as bytes: method, path, headers, body, origin.
        origin: what paths are relative to.
        lasts: seconds in which visits are begun.
        timeout: seconds that a request may take.
        pause: seconds between two visits of a user.
        budget: requests that may be made.
        longest: requests of a visit, as far as that is known before.
        token: what all tokens of this process begin with.
        step: numbers of a closed loop's visits: first and distance, so that no two processes have the same.
        rest: lets everything else in the process have its turn.
        amiss: is told of errors in journeys that are no `Wrong`.
    """

    def __init__(
        self,
        recorder: Recorder,
        *,
        client: Callable[[str], Any],
        encode: Callable[..., bytes],
        origin: str,
        arrivals: Iterator[tuple[int, float]] | None = None,
        wheel: Wheel | None = None,
        lasts: float = math.inf,
        timeout: float = 10.0,
        pause: float = 0.0,
        budget: float = math.inf,
        longest: int = 1,
        seed: int = 0,
        token: str = "",
        step: tuple[int, int] = (0, 1),
        rest: Callable[[], None] = lambda: None,
        amiss: Callable[[BaseException], None] = lambda _: None,
    ) -> None:
        self.recorder = recorder
        self.began = recorder.began
        self.ends = recorder.began + lasts
        self.why = ""
        """Why it ended before its time."""
        self.stopped_at = 0.0
        self.over = False
        self.entered = 0.0
        """When it really began."""
        self.waited = self.connections = self.repeated = 0
        self.unread = 0.0
        """Seconds that 99 of 100 answers lay in the socket at most before they were read."""
        self.left = 0
        """Requests that were to tidy up, and failed."""
        self._make_client, self._encode, self._origin = client, encode, origin
        self._arrivals, self._wheel = arrivals, wheel
        self._timeout, self._pause = timeout, pause
        self._left, self._longest = budget, longest
        self._seed, self._token = seed, token
        self._numbers, self._every = step
        self._rest, self._amiss = rest, amiss
        self._clients: dict[str, Any] = {}
        self._going: set[Going] = set()
        self._seats: set[Seat] = set()
        self._later: list[tuple[float, int, Going | Seat]] = []
        self._order = 0
        self._drained_by = math.inf
        self._used: list[tuple[float, float]] = []

    # From outside

    def stop(self, why: str, drain: float | None = None) -> None:
        """Begin nothing more; what is under way is waited for."""
        now = perf_counter()
        if not self.stopped_at:
            self.why = why
            self.stopped_at = now
            # What follows only tidies, and is not counted.
            self.recorder.ends = min(self.recorder.ends, now)
            self.ends = min(self.ends, now)
        self._drained_by = min(self._drained_by, now + (self._timeout + DRAIN if drain is None else drain))

    def sit(self, seat: Seat, at: float) -> None:
        """One more user of a closed loop."""
        self._seats.add(seat)
        self._push(max(at, self.began), seat)

    def leave(self, seat: Seat) -> None:
        """One less: the visit that is under way is the last."""
        seat.gone = True
        self._seats.discard(seat)

    def busy(self) -> float:
        """The share of one core that this process used, in the busiest stretch of the judged time."""
        judged = [used for used in self._used if used[0] >= self.recorder.judged_from] or self._used[-2:]
        if len(judged) < 2:
            return 0.0
        most, first = 0.0, 0
        for at, used in judged:
            while at - judged[first][0] >= BUSY_OVER:
                most = max(most, (used - judged[first][1]) / (at - judged[first][0]))
                first += 1
        if most == 0.0:
            most = (judged[-1][1] - judged[0][1]) / max(judged[-1][0] - judged[0][0], 1e-9)
        return most

    @property
    def seconds(self) -> float:
        """How long visits were begun."""
        return max(0.0, min(self.stopped_at or math.inf, self.ends, perf_counter()) - self.began)

    # The loop

    def run(self) -> None:
        """Make the whole load."""
        self._client(self._origin)
        while (left := self.began - perf_counter()) > 0:
            self._rest()
            self._poll(min(left, TURN))
        now = self.entered = perf_counter()
        upcoming = next(self._arrivals, None) if self._arrivals else None
        due = self.began + upcoming[1] if upcoming else math.inf
        rest_at, fold_at = now + TURN, now + FOLD
        while True:
            now = perf_counter()
            if due < math.inf and (self.stopped_at or now > self.ends + HOPELESS):
                self._missed(due)
                due = math.inf
            if due <= now:
                begun = 0
                while due <= now and begun < BURST and not self.stopped_at:
                    self._arrive(upcoming[0], due)  # type: ignore[index]
                    begun += 1
                    upcoming = next(self._arrivals, None)  # type: ignore[arg-type]
                    due = self.began + upcoming[1] if upcoming else math.inf
            if self._later and (self._later[0][0] <= now or now >= self.ends):
                self._resume(now)
            if (now >= self.ends or due == math.inf) and self._drained(now, due):
                break
            self._poll(min(due, self._later[0][0] if self._later else math.inf, rest_at, fold_at) - perf_counter())
            now = perf_counter()
            if now >= fold_at:
                self._look(now)
                fold_at = now + FOLD
            if now >= rest_at:
                self._rest()
                rest_at = perf_counter() + TURN
        self._finish()

    def _poll(self, wait: float) -> None:
        wait = 0.0 if wait < 0 else min(wait, TURN)
        clients = self._clients
        if len(clients) == 1:
            for client in clients.values():
                for done in client.poll(wait):
                    self._answered(done)
            return
        # Several origins: none is waited for alone.
        for index, client in enumerate(list(clients.values())):
            for done in client.poll(min(wait, 0.001) if index == 0 else 0.0):
                self._answered(done)

    def _drained(self, now: float, due: float) -> bool:
        """Whether all is over: nothing is to begin, and nothing is under way."""
        if due < math.inf or (now < self.ends and self._arrivals is None):
            return False  # Arrivals that the generator is late for are made, as long as there is hope.
        if not self._going and not self._waits():
            return now >= self.ends or self.ends == math.inf
        if self._drained_by == math.inf and now >= self.ends:
            self._drained_by = self.ends + self._timeout + DRAIN
        return now >= self._drained_by

    def _missed(self, due: float) -> None:
        """Arrivals that the generator never came to: offered, and neither answered nor failed."""
        if self.stopped_at:
            return
        missed = self.recorder.track("").begun
        missed.append(due)
        missed.extend(self.began + at for _, at in self._arrivals or ())

    def _waits(self) -> bool:
        return any(isinstance(entry[2], Going) for entry in self._later)

    def _look(self, now: float) -> None:
        self.recorder.fold()
        if now <= self.ends + FOLD:
            self._used.append((now, process_time()))
        self._count()

    def _count(self) -> None:
        self.waited = sum(client.waited for client in self._clients.values())
        self.connections = sum(client.most_open for client in self._clients.values())
        self.repeated = sum(client.repeated for client in self._clients.values())
        self.unread = max((client.unread.quantile(0.99) for client in self._clients.values()), default=0.0)

    def _finish(self) -> None:
        now = perf_counter()
        for going in list(self._going):
            if going.held is not None:
                self._settle(going, None, None)
            if going.track is not None and going.request is not None:
                going.track.failed(going.ask, now, NO_END)
            self._close(going)
        self._look(now)
        for client in self._clients.values():
            client.close()
        self._clients.clear()
        self.over = True

    def _client(self, origin: str) -> Any:
        found = self._clients.get(origin)
        if found is None:
            found = self._clients[origin] = self._make_client(origin)
        return found

    def _push(self, at: float, what: Going | Seat) -> None:
        self._order += 1
        heapq.heappush(self._later, (at, self._order, what))

    def _resume(self, now: float) -> None:
        """Whose pause is over; after the end, pauses are cut short, so that visits may tidy up."""
        ended = now >= self.ends
        for _ in range(BURST):
            if not self._later or not (ended or self._later[0][0] <= now):
                return
            at, _, what = heapq.heappop(self._later)
            if isinstance(what, Seat):
                if not what.gone and not ended:
                    self._sit_down(what, at)
            else:
                self._step(what, lambda steps: next(steps), min(at, now))

    # Visits

    def _arrive(self, number: int, intended: float) -> None:
        """A visitor comes."""
        journey, data = self._wheel.pick(number)  # type: ignore[union-attr]
        self._begin(journey, data, number, intended, None)

    def _sit_down(self, seat: Seat, intended: float) -> None:
        number = self._numbers
        self._numbers += self._every
        journey, data = seat.wheel.pick(number)
        self._begin(journey, data, number, intended, seat)

    def _begin(self, journey: Journey, data: dict[str, Any], number: int, intended: float, seat: Seat | None) -> None:
        if self._left < self._longest:
            self._spent()
            return
        visit = Chanced(number, f"{self._token}{number}", self._seed, data)
        name = getattr(journey, "__name__", "journey")
        try:
            steps = journey(visit)
        except Exception as error:  # noqa: BLE001 - a journey is somebody else's code
            self._broken(name, intended, error)
            if seat is not None:
                self._push(perf_counter() + max(self._pause, 0.01), seat)
            return
        going = Going(steps, visit, name, seat)
        # What it will need at most is kept for it, so that whatever it writes it may also take away.
        going.kept = self._longest
        self._left -= going.kept
        self._going.add(going)
        self._step(going, lambda steps: next(steps), intended)

    def _spent(self) -> None:
        self.stop("max_requests: as many requests were made as are allowed")

    def _broken(self, name: str, intended: float, error: BaseException) -> None:
        """A journey fails where it answers for no request."""
        track = self.recorder.track(name)
        track.begun.append(intended)
        track.failed(intended, perf_counter(), kind_of(error))
        if not isinstance(error, Wrong):
            self._amiss(error)

    def _step(self, going: Going, take: Callable[[Any], Any], at: float) -> None:
        """Go on with a visit that answers for no request just now."""
        going.request = None
        try:
            step = take(going.steps)
        except StopIteration:
            self._close(going, at)
        except Exception as error:  # noqa: BLE001 - a journey is somebody else's code
            self._broken(going.name, at, error)
            self._close(going, at)
        else:
            self._proceed(going, step, at)

    def _proceed(self, going: Going, step: Request | Pause, at: float) -> None:
        """Do what a visit asks for; `at` is when it is meant to be done."""
        if isinstance(step, Pause):
            going.request = None
            self._push(at + max(0.0, step.seconds), going)
            return
        if going.made >= going.kept:
            if self._left < 1:
                self._close(going)
                self._spent()
                return
            self._left -= 1
            going.kept += 1
        method, path, origin = step.method, step.path, self._origin
        if not path.startswith("/"):
            origin, path = split(path, origin)
        body = step.body
        headers = step.headers
        if step.json is not None:
            body = json.dumps(step.json).encode()
            if not any(name.lower() == "content-type" for name in headers):
                headers = {"Content-Type": "application/json", **headers}
        name = step.name or f"{method} {step.path.partition('?')[0]}"
        going.request, going.ask = step, at
        track = going.track = self.recorder.track(name, method) if step.counted else None
        try:
            data = self._encode(method, path, headers, body, origin)
            client = self._client(origin)
        except (ValueError, TypeError, AttributeError) as error:
            going.steps.close()
            going.track = track or self.recorder.track(name, method)
            going.track.begun.append(at)
            going.track.failed(at, perf_counter(), kind_of(error))
            self._close(going, at)
            return
        going.made += 1
        if going.made > self._longest:
            self._longest = going.made
        if track is not None:
            self.recorder.late(at, perf_counter())
            track.begun.append(at)
        client.send(data, at, going, step.timeout)

    def _answered(self, done: Any) -> None:
        going: Going = done.token
        if going not in self._going:
            return
        request, track, at, ended = going.request, going.track, going.ask, done.ended
        thrown: Wrong | None = None
        if done.failure:
            thrown = NoAnswer(done.failure)
        elif done.status not in request.right:  # type: ignore[union-attr]
            thrown = Wrong(f"HTTP {done.status}")
        if track is None:
            self.left += thrown is not None
        else:
            if thrown is not None:
                track.failed(at, ended, kind_of(thrown))
            else:
                # Right as far as it goes: the journey has not yet looked at it.
                going.held = (track, at, ended, len(done.body))
        step: Request | Pause | None = None
        error: BaseException | None = None
        try:
            if thrown is not None:
                step = going.steps.throw(thrown)
            else:
                step = going.steps.send(Answer(done.status, done.head, done.body, ended - at))
        except StopIteration:
            pass
        except Exception as raised:  # noqa: BLE001 - a journey is somebody else's code
            error = raised
        # What tidies up may run before the journey says what was wrong: until then the answer is held.
        if going.held is not None and not (isinstance(step, Request) and not step.counted):
            self._settle(going, error, thrown)
        elif error is not None and error is not thrown and not isinstance(error, Wrong):
            self._amiss(error)
        if step is None:
            self._close(going, ended)
        else:
            self._proceed(going, step, ended)

    def _settle(self, going: Going, error: BaseException | None, thrown: Wrong | None) -> None:
        """Count the answer that was held, now that the journey has said what it is."""
        track, at, ended, size = going.held  # type: ignore[misc]
        going.held = None
        if error is thrown:
            # Tidying failed, which is nobody's latency; what was wrong before it is what counts.
            error = error.__context__ if error is not None and isinstance(error.__context__, Wrong) else None
        if error is None:
            track.right(at, ended, size)
            return
        track.failed(at, ended, kind_of(error))
        if not isinstance(error, Wrong):
            self._amiss(error)

    def _close(self, going: Going, at: float | None = None) -> None:
        """A visit is over."""
        self._going.discard(going)
        self._left += going.kept - going.made
        going.kept = going.made
        try:
            going.steps.close()
        except Exception as error:  # noqa: BLE001 - a journey is somebody else's code
            # It goes on asking where it was told that it is over; it is simply left.
            self._amiss(error)
        if going.seat is not None and not going.seat.gone:
            pause = self._pause if going.made or self._pause else 0.01  # one that asks nothing must not spin
            self._push((perf_counter() if at is None else at) + pause, going.seat)
