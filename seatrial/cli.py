"""The command ``seatrial``: the same suites as pytest, from any folder, undisturbed by what is configured there."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn

import seatrial

__all__ = ["main"]

_EXITS = """\
exit codes:
  0  success (in an audit also: something was waived, or withheld as it needs a higher tier)
  1  failure: the deployment breaks a MUST
  2  interrupted by hand
  3  undecided: something could not be looked at; in a gate or drill also: something was withheld
  4  the profile or the command line is wrong; nothing was contacted
  5  nothing was checked

examples:
  seatrial audit ./production.yaml              observe, assert, report: safe on production
  seatrial audit ./production.yaml --plan       what would run, and with which rights; contacts nothing
  seatrial audit compose:shop                   without a profile: what needs no declaration
  seatrial draft compose:shop -o shop.yaml      a profile to start from
  seatrial gate arm-single-node -k readiness    before a release; every option of pytest works
  seatrial capacity shop.yaml --slo read        the highest rate at which an objective is still met
  seatrial demo --defect list                   what a red looks like, on a small stack of its own
  seatrial explain CTR-001                      clause, why, how it is observed, a failure, the fix, an exception
"""

_RUNS = {
    "audit": "observe only: what a running deployment shows, safe on production",
    "gate": "before a release: may also write and load",
    "drill": "may also disrupt: stop, pause and restart what the profile declares",
}


class _Parser(argparse.ArgumentParser):
    """Bad usage is exit code 4 behind every door; argparse's own 2 means interrupted here."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(4, f"{self.prog}: {message}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="seatrial",
        description="The sea trial of a deployment: does it keep what its operations spec promises?",
        epilog=_EXITS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"seatrial {seatrial.__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, about in _RUNS.items():
        run = commands.add_parser(
            name, help=about, description=about, epilog=_EXITS, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        run.add_argument(
            "profile", metavar="PROFILE", help="name of a shipped profile, a YAML file, or compose:PROJECT"
        )
        run.add_argument(
            "options", nargs=argparse.REMAINDER, help="options of pytest and of its group seatrial (pytest --help)"
        )
    commands.add_parser(
        "draft", help="write a profile of what runs, or of a compose file, to start from", add_help=False
    )
    commands.add_parser("recover", help="undo what a run that was killed left of its disturbances", add_help=False)
    commands.add_parser("capacity", help="find the highest rate at which an objective is still met", add_help=False)
    commands.add_parser("demo", help="start the demo deployment, whole or with one named defect")
    commands.add_parser("profiles", help="list the shipped profiles")
    about = "what a requirement asks for, why, how it is observed, a failure as printed, the fix, an exception"
    explain = commands.add_parser("explain", help="tell one requirement, or list them all", description=about)
    explain.add_argument("words", nargs="*", metavar="ID|NAME", help="CTR-001, a test's name, its words, or an area")
    explain.add_argument("--json", action="store_true", help="for programs")
    commands.add_parser("schema", help="print the JSON Schema of profiles, for an editor")
    return parser


def run(mode: str, profile: str, options: Sequence[str]) -> int:
    """Run the suites with pytest in this process, with our own configuration and only the plugins we need.

    A user's ``pytest.ini``, ``conftest.py``, ``PYTEST_ADDOPTS`` and installed plugins can hide tests; here they can't.
    """
    for option in ("--mode", "--profile"):
        if any(given == option or given.startswith(f"{option}=") for given in options):
            print(
                f"seatrial {mode}: {option} follows from the command: seatrial {'|'.join(_RUNS)} PROFILE",
                file=sys.stderr,
            )
            return 4
    suites = seatrial.data("suites")
    os.environ.pop("PYTEST_ADDOPTS", None)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    import pytest

    own = [
        f"--rootdir={suites.parent}",
        f"--config-file={os.devnull}",
        f"--confcutdir={suites}",
        "--override-ini=python_files=test_*.py",
        "-p", "seatrial.plugin",
        "-p", "no:cacheprovider",
        "--no-header",
        f"--profile={profile}",
        f"--mode={mode}",
    ]  # fmt: skip
    # By path: for a name of a package, pytest would first read the conftest.py of the folder we are called from.
    return int(pytest.main([*own, *options, str(suites)]))


def main(arguments: Sequence[str] | None = None) -> int:
    """The entry point; gives an exit code."""
    from seatrial.pipes import patient

    patient()
    words = sys.argv[1:] if arguments is None else list(arguments)
    if words[:1] == ["demo"]:  # it has options of its own, which argparse would not hand on
        from seatrial.demo.cli import run as run_demo

        return run_demo(words[1:])
    try:
        with _ended_by_signals(last=arguments is None):
            if words[:1] == ["recover"]:
                from seatrial.recover import command

                return command(words[1:])
            if words[:1] == ["capacity"]:
                from seatrial.capacity.command import command as run_capacity

                return run_capacity(words[1:])
            if words[:1] == ["draft"]:  # so has this one
                from seatrial.draft.cli import run as run_draft

                return run_draft(words[1:])
            return _command(words)
    except KeyboardInterrupt:
        print("seatrial: interrupted", file=sys.stderr)
        return 2
    except Exception:  # noqa: BLE001 - Python would end with 1, which is a verdict on the deployment
        traceback.print_exc()
        print("seatrial: this is trouble of Seatrial's own or of a plugin, and no verdict", file=sys.stderr)
        return 3


def _command(words: Sequence[str]) -> int:
    parser = _parser()
    if words[:1] and words[0] in _RUNS and words[1:] and words[1].startswith("-") and words[1] not in ("-h", "--help"):
        parser.error(f"PROFILE comes first, options after it: seatrial {words[0]} PROFILE {words[1]}")
    given = parser.parse_args(words)
    if given.command == "profiles":
        from seatrial.profile.loading import load

        for file in sorted(seatrial.data("profiles").glob("*.yaml")):
            print(f"{file.stem:24} {load(str(file)).profile.summary}")
        return 0
    if given.command == "explain":
        from seatrial.manual.command import explain

        return explain(" ".join(given.words), as_data=given.json)
    if given.command == "schema":
        sys.stdout.write((seatrial.data("profiles") / "profile.schema.json").read_text(encoding="utf-8"))
        return 0
    return run(given.command, given.profile, given.options)


@contextmanager
def _ended_by_signals(*, last: bool) -> Iterator[None]:
    """SIGTERM and SIGHUP are Ctrl-C, also before a run holds them; where nothing follows, they are too late afterwards."""

    def stop(number: int, _frame: object) -> NoReturn:
        raise KeyboardInterrupt(signal.Signals(number).name)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # What nohup or a shell's `&` told to be ignored stays so.
    before = {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    for number, handler in before.items():
        if handler == signal.SIG_DFL:
            signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_IGN if last else handler)


if __name__ == "__main__":
    sys.exit(main())
