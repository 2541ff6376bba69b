"""When to come back, as an answer says it (RFC 9110, 10.2.3): a number of seconds, or an HTTP date."""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime

__all__ = ["asked_to_wait"]


def asked_to_wait(text: str, now: float) -> float | None:
    """Seconds to wait from ``now`` (seconds since the epoch) on; None when it is not said in a valid way."""
    if re.fullmatch(r"[0-9]{1,9}", text.strip()):
        return float(text)
    if not re.fullmatch(r"[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT", text.strip()):
        return None
    try:
        return max(0.0, parsedate_to_datetime(text.strip()).timestamp() - now)
    except ValueError:
        return None
