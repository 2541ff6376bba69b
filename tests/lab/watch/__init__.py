"""A monitoring of one's own for a test: an exporter, a real Prometheus, and a real Alertmanager where it is wanted.

    with watch(folder, {"rules.yaml": RULES}, METRICS) as w:
        w.set("app_queue_jobs", {"queue": "mail"}, 900)
        w.reload({"rules.yaml": OTHER})
        run = Alerts(w.profile(means={...}), tmp_path)

What is scraped is written as it is exposed; `+3` behind a value makes it grow by three a second. Everything listens on free ports
of loopback, and ends with the `with` or with the test's process. Prometheus looks for targets every five seconds and can't be
told otherwise, so that a start takes six: a file of tests shares one, and reloads it.
"""

from .exporter import Exporter
from .programs import WatchError, process
from .server import METRICS, RULES, Watch, watch

__all__ = ["METRICS", "RULES", "Exporter", "Watch", "WatchError", "process", "watch"]
