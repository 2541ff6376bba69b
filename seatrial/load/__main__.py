"""`python -m seatrial.load`: make the load that is told on standard input."""

from __future__ import annotations

from seatrial.load.child import main

if __name__ == "__main__":
    main()
