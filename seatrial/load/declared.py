"""The Locust file of a load that a profile declares: one request, or several that are one visit.

```console
$ locust -f seatrial/load/declared.py --worker --master-host HOST    # takes part in a load that is made elsewhere
```

What is asked comes with the load itself; this file alone asks nothing.
"""

from __future__ import annotations

from collections.abc import Callable

from seatrial.load import calls
from seatrial.load.journeys import Journey
from seatrial.load.plan import Call, LoadPlan
from seatrial.load.users import JourneyUser

__all__ = ["Declared"]


class Declared(JourneyUser):
    """Makes what is declared."""

    @classmethod
    def journeys_of(cls, plan: LoadPlan) -> list[tuple[Journey, float]]:
        """The one journey of the plan."""
        return [(calls.journey(plan), 1.0)] if plan.calls else []

    @classmethod
    def constant(cls, plan: LoadPlan) -> tuple[Call, Callable[[bytes], str]] | None:
        """The one request that is always the same, where it is."""
        return calls.constant(plan)
