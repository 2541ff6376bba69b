"""A pytest plugin for runs that are to give up early: what can't be undone is told after seconds, not after a minute."""

from __future__ import annotations

from seatrial.safety import disturbing

disturbing.UNDONE_WITHIN = 6.0
