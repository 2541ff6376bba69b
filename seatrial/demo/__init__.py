"""The demo deployment: a small but real stack that Seatrial may start, disturb and stop.

An HTTP service (`api`) keeps notes in SQLite and caches them in a real Redis (`redis`); a supervisor starts both on
free loopback ports and takes everything with it when it ends. Everything here is the *target*: nothing of the engine
is imported but the words, and the engine imports nothing from here.
"""

VERSION = "1.0.0"
"""Release of the demo service; `profiles/demo.yaml` declares the same."""
