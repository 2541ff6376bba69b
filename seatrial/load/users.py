"""The Locust user of a load: visits by arrival in an open loop, or one after the other in a closed one.

```python
class Notes(JourneyUser):
    journeys = {write_and_read: 1, search: 4}
```

In an open loop it does not matter how many of these users Locust spawns: arrivals are made by one loop in each process, and
their rate is that of the options. In a closed loop (`--closed`) each user makes one visit after the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import gevent  # type: ignore[import-untyped]
import locust.runners
from locust import User, events, task
from locust.user.task import LOCUST_STATE_STOPPING

from seatrial.load import options

if TYPE_CHECKING:
    from seatrial.load.journeys import Journey
    from seatrial.load.plan import LoadPlan
    from seatrial.load.visitors import Seat

__all__ = ["JourneyUser"]

# What is told of each second is told within a second or two.
locust.runners.WORKER_REPORT_INTERVAL = 1.0


class JourneyUser(User):
    """Makes journeys. A Locust file has classes of its own under it, with `journeys`."""

    abstract = True
    journeys: ClassVar[Mapping[Journey, float] | Sequence[Journey]] = ()
    """Generators, and how often each is made in proportion to the others."""
    _seat: Seat | None = None

    @classmethod
    def prepare(cls) -> dict[str, Any]:
        """What all visits need: made once in each process before the load, and given to each as `visit.data`."""
        return {}

    @classmethod
    def tidy(cls, data: dict[str, Any]) -> None:
        """Take away what was made of that and by visits: once in each process, after its last visit."""

    @classmethod
    def journeys_of(cls, plan: LoadPlan) -> list[tuple[Journey, float]]:
        """The journeys and their weights."""
        del plan  # for classes that are told by it
        told = cls.journeys
        return (
            [(journey, float(told[journey])) for journey in told]
            if isinstance(told, Mapping)
            else [(j, 1.0) for j in told]
        )

    def on_start(self) -> None:
        """Take a seat in a closed loop."""
        if session := getattr(self.environment, "seatrial", None):
            self._seat = session.sit(type(self))

    def on_stop(self) -> None:
        """Leave it."""
        if self._seat is not None and (session := getattr(self.environment, "seatrial", None)):
            session.leave(self._seat)

    @task
    def stay(self) -> None:
        """Be there; what is to be made is made by the loop of this process."""
        while self._state != LOCUST_STATE_STOPPING:
            gevent.sleep(0.5)


@events.init.add_listener  # type: ignore[untyped-decorator]
def _begin(environment: Any, **_: Any) -> None:
    from seatrial.load.sessions import Session

    # Locust's run time begins now, and not when its hub last looked at the clock, before everything was imported.
    gevent.get_hub().loop.update_now()
    Session(environment)


events.init_command_line_parser.add_listener(options.add)  # type: ignore[no-untyped-call]
