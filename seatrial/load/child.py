"""A load's own process: the plan comes on its standard input, what it does goes out as lines of JSON on its standard output.

``{"event": "ready", "began", "joined"}``
    it begins; `began` by the system's monotonic clock.
``{"event": "second", "at", "offered", "sent", "right", "failed", "p95", "late", "lost"}``
    once a second: what was to begin in that second and what was sent so far of it; p95 and dispatch lag (p99) so far, in seconds.
``{"event": "result", …}``
    what was measured, once; then it ends with code 0.
``{"event": "trouble", "reason"}``
    the load can't be made; then it ends with code 1.

It ends at once when its standard input is closed, and its workers with it. ``{"order": "stop", "why": …}`` there ends the load early.
"""

from __future__ import annotations

import ctypes
import json
import logging
import os
import signal
import sys
import traceback
from typing import Any, NoReturn

from seatrial.load.plan import LoadPlan

__all__ = ["Trouble", "main"]

LONGEST_PLAN = 8 << 20


class Trouble(Exception):
    """The load can't be made; said in one line."""


class _Out:
    """Our lines, apart from whatever a Locust file prints."""

    def __init__(self) -> None:
        self._to = os.dup(1)
        os.set_inheritable(self._to, False)
        os.dup2(2, 1)

    def tell(self, event: str, **told: Any) -> None:
        data = json.dumps({"event": event, **told}).encode() + b"\n"
        try:
            os.set_blocking(self._to, True)
            while data:
                data = data[os.write(self._to, data) :]
        except OSError:
            os._exit(3)  # nobody listens any more

    def close(self) -> None:
        os.close(self._to)


def main() -> NoReturn:
    """Make one load."""
    _with_parent()
    out = _Out()
    code = 0
    try:
        plan = _plan()
        _make(plan, out)
    except Trouble as trouble:
        out.tell("trouble", reason=" ".join(str(trouble).split())[:600])
        code = 1
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is told
        traceback.print_exc()
        out.tell("trouble", reason=f"the load generator failed: {type(error).__name__}: {error}"[:600])
        code = 1
    # Nothing that Locust or a Locust file has left to be done at exit may keep this process.
    sys.stderr.flush()
    os._exit(code)


def _with_parent() -> None:
    """End when the process that started this one does, however that ends."""
    parent_death = 1
    try:
        ctypes.CDLL(None).prctl(parent_death, signal.SIGKILL, 0, 0, 0)
    except (OSError, AttributeError):  # not on Linux: closed input is noticed all the same
        return


def _plan() -> LoadPlan:
    line = b""
    while not line.endswith(b"\n"):
        piece = os.read(0, 65536)
        if not piece:
            break
        line += piece
        if len(line) > LONGEST_PLAN:
            raise Trouble("the plan is too long")
    first, _, rest = line.partition(b"\n")
    _Orders.early = rest
    try:
        plan = LoadPlan.loaded(first.decode())
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise Trouble("standard input holds no plan of a load: one line of JSON") from None
    _sound(plan)
    return plan


def _sound(plan: LoadPlan) -> None:
    """What can be known to be wrong before anything is tried.

    Raises:
        Trouble: it is.
    """
    from seatrial.load.arrivals import Schedule

    if not plan.calls and not plan.locustfile:
        raise Trouble("the plan says neither a call nor a Locust file")
    if not plan.rate and plan.users < 1:
        raise Trouble("the plan says neither a rate nor users")
    if plan.processes < 1 or not 0 < plan.lasts < float("inf") or not plan.timeout > 0 or plan.connections < 1:
        raise Trouble("the plan has a number that no load can have: processes, duration, timeout, connections")
    if plan.rate:
        try:
            Schedule(plan.rate, lasts=plan.lasts, ramp=plan.ramp, kind=plan.arrivals, seed=plan.seed)
        except ValueError as why:
            raise Trouble(str(why)) from None
    if plan.locustfile and not os.path.isfile(plan.locustfile):
        raise Trouble(f"there is no Locust file {plan.locustfile}")


def _make(plan: LoadPlan, out: _Out) -> None:
    if plan.cpus:
        try:
            os.sched_setaffinity(0, plan.cpus)
        except (OSError, ValueError) as why:
            raise Trouble(f"processors {plan.cpus} can't be used: {why}") from None
    os.environ.update(plan.environment)
    logging.getLogger().addHandler(logging.NullHandler())
    logging.disable(logging.CRITICAL)
    environment = _environment(plan)
    from seatrial.load.driving import Driver

    Driver(plan, environment, out, _Orders()).run()


def _environment(plan: LoadPlan) -> Any:
    """Locust's environment, with the user classes of the Locust file."""
    try:
        import locust  # patches what it must before anything else is imported
    except ImportError:
        raise Trouble("Locust is not installed: pip install 'seatrial[load]'") from None
    from locust import argument_parser
    from locust.env import Environment

    classes = _classes(plan)
    parser = argument_parser.get_empty_argument_parser(add_help=False, default_config_files=[])
    argument_parser.setup_parser_arguments(parser)  # type: ignore[no-untyped-call]
    locust.events.init_command_line_parser.fire(parser=parser)  # type: ignore[no-untyped-call]
    try:
        options = parser.parse_args([], env_vars={k: v for k, v in os.environ.items() if not k.startswith("LOCUST_")})
    except SystemExit:
        raise Trouble("the Locust file has options that need a value") from None
    options.host, options.headless = plan.host or None, True
    environment = Environment(
        user_classes=classes,
        events=locust.events,
        host=plan.host or None,
        parsed_options=options,
        locustfile=os.path.basename(plan.locustfile) or None,
        parsed_locustfiles=[plan.locustfile] if plan.locustfile else None,
        catch_exceptions=True,
    )
    environment.seatrial_plan = plan  # type: ignore[attr-defined]
    return environment


def _classes(plan: LoadPlan) -> list[Any]:
    if plan.calls:
        from seatrial.load.declared import Declared

        return [Declared]
    from locust.util.load_locustfile import load_locustfile

    path = os.path.abspath(plan.locustfile)
    sys.path.insert(0, os.path.dirname(path))
    try:
        classes = list(load_locustfile(path)[0].values())
    except SyntaxError as error:
        raise Trouble(f"{error.filename}:{error.lineno}: syntax error: {error.msg}") from None
    except BaseException as error:  # whatever a file does when it is read
        if isinstance(error, KeyboardInterrupt):
            raise
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
        where = f"{path}:{frames[-1].lineno}" if frames else path
        raise Trouble(f"{where}: {type(error).__name__}: {error}") from None
    from seatrial.load.users import JourneyUser

    classes = [each for each in classes if each.weight > 0 or each.fixed_count > 0]
    if not classes:
        raise Trouble(f"{path}: no user class: a class under JourneyUser (or Locust's User) that is not abstract")
    for each in classes:
        if not (each.journeys_of(plan) if issubclass(each, JourneyUser) else each.tasks):
            what = "journeys" if issubclass(each, JourneyUser) else "task"
            raise Trouble(f"{path}: the user class {each.__name__} has no {what}")
        if not plan.host and not each.host:
            raise Trouble(f"{path}: no host: neither the plan nor {each.__name__} says one")
    journeys = [each for each in classes if issubclass(each, JourneyUser)]
    if plan.rate and len(journeys) < len(classes):
        other = next(each.__name__ for each in classes if each not in journeys)
        raise Trouble(
            f"{path}: {other} is no JourneyUser, so that it has no arrivals: it can only be a closed loop (users)"
        )
    if plan.max_requests and len(journeys) < len(classes):
        raise Trouble(f"{path}: max_requests can't be kept, as not all of it are JourneyUsers")
    return classes


class _Orders:
    """Standard input, after the plan."""

    early = b""

    def __init__(self) -> None:
        self._rest = _Orders.early
        self.over = False
        """Whether the result was told: nobody has to listen any more."""

    def wait(self) -> str:
        """Why the load is to be stopped; the process ends when there is no one to say it any more."""
        from gevent import os as waiting  # type: ignore[import-untyped]
        from gevent.socket import wait_read  # type: ignore[import-untyped]

        while True:
            while b"\n" in self._rest:
                line, _, self._rest = self._rest.partition(b"\n")
                try:
                    told = json.loads(line)
                    if told.get("order") == "stop":
                        return str(told.get("why") or "it was told to stop")
                except (ValueError, AttributeError, RecursionError):
                    continue
            try:
                wait_read(0)
                piece = waiting.tp_read(0, 65536)
            except OSError:
                piece = b""
            if not piece or len(self._rest) > LONGEST_PLAN:
                if self.over:
                    return ""  # It ends by itself, and tells its workers first.
                # Workers of ours end with this process.
                os._exit(3)
            self._rest += piece
