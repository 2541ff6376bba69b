"""The Locust file of a load that a profile declares: one request, or several that are one visit.

```console
$ locust -f seatrial/load/declared.py --worker --master-host HOST    # takes part in a load that is made elsewhere
```

What is asked comes with the load itself; this file alone asks nothing.
"""

from __future__ import annotations

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
    def single(cls, plan: LoadPlan) -> Call | None:
        """The one request that is made at each arrival, where that is all."""
        return calls.single(plan)
