"""The command ``seatrial capacity``: the highest rate at which an objective of a profile is still met."""

from __future__ import annotations

import argparse
import difflib
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TextIO, TypeVar

from seatrial.options import Refused
from seatrial.words import CouldNotLook, Duration, Missing, Rate, Ratio

if TYPE_CHECKING:
    from seatrial.capacity.stepping import Steps
    from seatrial.capacity.telling import Outcome
    from seatrial.experiments._bench import Bench
    from seatrial.profile.objectives import Slo
    from seatrial.trial import Trial

__all__ = ["command"]

DURATION = Duration(10)
WITHIN = Ratio(0.05)
CEILING = 0.75
"""Share of what the generator can make at all that is tried; nearer to it nothing is decided."""
SHORTEST = 5.0
"""Seconds of a step; less would tell nothing of its quantiles."""
_ABOUT = """\
Find the highest rate at which an objective of the profile is still met.

Loads of its kind are made at one rate after the other, each judged as `seatrial gate` would: from the declared rate on (or --from)
doubled until the objective is not met any more, then what lies between is halved until it is known to --within. A step that
can't be decided is made once more, twice as long, and is then the edge of what can be told here. Latency and errors decide; throughput and memory do not.
It is a load, and goes to the very edge of what the target can do: tier load, in the profile's window, never above max_rate, with
max_requests over all steps together, and with a rest after each step until the target's probes answer as before.
"""
_EPILOG = """\
exit codes:
  0  found
  1  the rate that the profile declares does not meet the objective
  2  interrupted by hand; what was found by then is written
  3  it can't be told here whether the declared rate meets it, or nothing could be measured
  4  the profile or the command line is wrong; no load was made

examples:
  seatrial capacity ./shop.yaml --slo read
  seatrial capacity --profile=./shop.yaml --slo=read --from=50/s --most=2000/s --within=2% --duration=30s
  seatrial capacity ./shop.yaml --slo read --json > capacity.json
  SEATRIAL_LOAD_CPUS=1 seatrial capacity ./shop.yaml --slo read     the load is made on processor 1 alone

A folder below --out (default: reports) takes capacity.html, capacity.json and a plot for each quantile.
"""
T = TypeVar("T")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(4, f"{self.prog}: {message}\n")


def _of(kind: Callable[[str], T]) -> Callable[[str], T]:
    """A reader of a number with its unit, for argparse."""

    def read(text: str) -> T:
        try:
            return kind(text)
        except ValueError as bad:
            raise argparse.ArgumentTypeError(f"{text}: {bad}") from None

    return read


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="seatrial capacity",
        description=_ABOUT,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("positional", nargs="?", metavar="PROFILE", help="name of a shipped profile, or a YAML file")
    parser.add_argument("--profile", metavar="PROFILE", help="the same, as an option")
    parser.add_argument("--slo", metavar="NAME", required=True, help="the objective, by its name under slos")
    rate, share, time = _of(Rate.parse), _of(Ratio.parse), _of(Duration.parse)
    parser.add_argument(
        "--from", dest="start", metavar="RATE", type=rate, help="first rate (default: the declared one)"
    )
    parser.add_argument("--most", metavar="RATE", type=rate, help="never more than this; max_rate holds beside it")
    parser.add_argument(
        "--within", metavar="SHARE", type=share, default=WITHIN, help=f"how exactly (default: {WITHIN}%)"
    )
    parser.add_argument(
        "--duration", metavar="TIME", type=time, default=DURATION, help=f"of a step, judged (default: {DURATION})"
    )
    parser.add_argument("--out", metavar="DIR", default="reports", help="where the folder of the search goes")
    parser.add_argument(
        "--json", action="store_true", help="the answer as JSON on standard output, the rest on the other"
    )
    parser.add_argument("--confirm-target", metavar="IDENTITY", help="repeat the target's identity, for production")
    return parser


def command(words: Sequence[str]) -> int:
    """`seatrial capacity`; gives an exit code."""
    parser = _parser()
    given = parser.parse_args(words)
    profile = given.profile or given.positional
    if not profile or (given.profile and given.positional):
        parser.error("give one profile: seatrial capacity PROFILE --slo NAME")
    if given.within.value < 0.005:
        parser.error(f"--within={given.within}: closer than 0.5% nothing is told by loads of this length")
    if given.duration.seconds < SHORTEST:
        parser.error(f"--duration={given.duration}: at least {Duration(SHORTEST)}")
    say = _saying(sys.stderr if given.json else sys.stdout)
    try:
        return _search(profile, given, say)
    except Refused as refused:
        _saying(sys.stderr)(f"seatrial capacity: {refused}")
        return 4
    except CouldNotLook as why:
        _saying(sys.stderr)(f"seatrial capacity: {why.reason}{f' (needs {why.right})' if why.right else ''}")
        return 3


def _saying(stream: TextIO) -> Callable[[str], None]:
    def say(line: str) -> None:
        stream.write(f"{line}\n")
        stream.flush()

    return say


def _search(profile: str, given: argparse.Namespace, say: Callable[[str], None]) -> int:
    from seatrial.options import read_options
    from seatrial.trial import Trial

    if profile.startswith("compose:"):
        raise Refused(
            f"{profile} has no profile, and so no objective: seatrial draft {profile} writes one to start from"
        )
    options = {"profile": profile, "mode": "gate", "report_dir": given.out, "confirm_target": given.confirm_target}
    trial = Trial(read_options(options, ()), ())
    try:
        slo = _slo(trial, given.slo)
        told: list[str] = []
        with _begun(trial, slo.service, f"slos.{given.slo}", say, told) as bench:
            outcome = _made(bench, given, slo, lambda line: say(trial.mask(line)))
        if outcome is None:
            return 3
        return _written(trial, replace(outcome, residue=tuple(map(trial.mask, told))), given, say)
    finally:
        trial.close()


def _slo(trial: Trial, name: str) -> Slo:
    """The objective of that name.

    Raises:
        Refused: there is none, or none that a rate decides.
    """
    from seatrial.profile.nouns.objectives import slos_of

    slos = slos_of(trial.profile)
    if name not in slos:
        near = difflib.get_close_matches(name, slos, n=1, cutoff=0.4)
        meant = f" Did you mean {near[0]}?" if near else ""
        raise Refused(f"the profile has no objective {name}; it has {', '.join(slos) or 'none'}.{meant}")
    slo = slos[name]
    numbers = [slo, *slo.endpoints.values(), *slo.classes.values()]
    numbers += [each for of in slo.classes.values() for each in of.endpoints.values()]
    if not any(each.latency or each.errors is not None for each in numbers):
        raise Refused(f"slos.{name} promises nothing of latency or errors, by which a rate could be told from another")
    return slo


@contextmanager
def _begun(trial: Trial, service: str, id: str, say: Callable[[str], None], told: list[str]) -> Iterator[Bench]:
    """The target, known to be the right one and held, as a run of tier load has it; `told` takes what is not as it was found."""
    from seatrial import drivers
    from seatrial.closing import unwritable
    from seatrial.experiments._bench import bench
    from seatrial.profile.subject import Subject

    if why := unwritable(Path(trial.options.report_dir)):
        raise Refused(f"--out={trial.options.report_dir}: {why}; nothing was contacted")
    if start := trial.profile.target.start:
        from seatrial.drivers import process

        say("starting what the profile starts")
        trial.references.env.update(trial._open.enter_context(process.start(start, cwd=trial.loaded.file.parent)))
    session = trial.session()
    driver = drivers.load(trial.profile.target.driver)
    identity = driver.identity(session)
    trial._confirm(identity, trial.references.resolve(trial.profile.target.host) or "")
    trial._hold(session, identity, [Subject(id, "load", ("slos", id), None, service)])
    with bench(session, driver.observe(session), say, told) as made:
        yield made


def _made(bench: Bench, given: argparse.Namespace, slo: Slo, say: Callable[[str], None]) -> Outcome | None:
    """The search, from its bounds to its end; None where not even one step could be made."""
    from seatrial.capacity.searching import add_up, search
    from seatrial.capacity.stepping import Ended, Steps, needed
    from seatrial.capacity.telling import Outcome, step_line
    from seatrial.experiments._calibrating import ceiling_of
    from seatrial.experiments._launching import plan_of
    from seatrial.experiments._planning_load import what_of
    from seatrial.experiments.objectives import numbers_of
    from seatrial.facts.loads.judged import hardware_line

    numbers = numbers_of(bench, given.slo, slo)
    plan = plan_of(bench.session, given.slo, slo, numbers)
    declared = plan.rate or None
    start = given.start.per_second if given.start else declared
    if start is None:
        raise Refused(
            f"slos.{given.slo} declares users and no rate: say --from=RATE for an open loop of the same calls"
        )
    say("the generator is calibrated against a local server that does nothing")
    ceiling = ceiling_of(replace(plan, rate=start, users=0))
    most, why_most = _bounds(given, slo, plan, ceiling)
    if start > most * (1 + 1e-9) and given.start:
        raise Refused(f"--from={given.start} is more than may be tried: {why_most}")
    steps = Steps(bench, given.slo, slo, plan, given.duration.seconds, ceiling, needed=needed(slo))
    rates = search(start, most, why_most, given.within.value)
    ended, interrupted = "", False
    try:
        rate = next(rates)
        while True:
            say(f"step {len(steps.made) + 1}: {Rate(round(rate, 2))} for {Duration(steps.lasts(rate))}")
            step = steps.make(rate)
            say(step_line(step))
            if ended := steps.after():
                break
            rate = rates.send(step.word)
    except StopIteration as end:
        ended = end.value
    except Ended as end:
        ended = str(end)
    except CouldNotLook as why:
        if not steps.made:
            raise
        ended = f"no further step could be made: {why.reason}"
    except KeyboardInterrupt:
        ended, interrupted = "interrupted by hand", True
    if not steps.made:
        say(f"no step was made: {ended}")
        if interrupted:
            raise KeyboardInterrupt
        return None
    notes = [] if interrupted else _left(steps)
    return Outcome(
        profile=bench.profile.profile,
        slo=f"slos.{given.slo}",
        what=what_of(plan, slo),
        declared=declared,
        within=given.within.value,
        duration=given.duration.seconds,
        ended=ended,
        found=add_up(steps.tried()),
        steps=tuple(steps.made),
        hardware=hardware_line(steps.run) if steps.run else "",
        notes=tuple(notes),
        interrupted=interrupted,
    )


def _left(steps: Steps) -> list[str]:
    """How the target was left, after the last step."""
    try:
        why = steps.rest()
    except CouldNotLook as could_not:
        why = could_not.reason
    return [why] if why else []


def _bounds(given: argparse.Namespace, slo: Slo, plan: Any, ceiling: float | Missing) -> tuple[float, str]:
    """The highest rate that may be tried, and who says so."""
    known: list[tuple[float, str]] = [(1e6, "a million a second is more than is made here")]
    if slo.max_rate:
        known.append((slo.max_rate.per_second, f"max_rate of slos.{given.slo} is {slo.max_rate}"))
    if given.most:
        known.append((given.most.per_second, f"--most is {given.most}"))
    if not isinstance(ceiling, Missing):
        each = sum(1 for call in plan.calls if not call.undo) or 1
        of_all = ceiling * max(1, plan.processes)
        known.append((CEILING * of_all / each, f"the generator itself can make {of_all:.0f} requests/s here"))
    return min(known)


def _written(trial: Trial, outcome: Outcome, given: argparse.Namespace, say: Callable[[str], None]) -> int:
    """Write the folder, print the answer, and give the exit code."""
    from seatrial import closing, writers
    from seatrial.capacity.telling import code, document, lines, page, pictures
    from seatrial.writers._plots import alone

    plots = pictures(outcome)
    told = json.dumps(document(outcome), indent=1, ensure_ascii=False) + "\n"
    files = {"capacity.json": told, "capacity.html": page(outcome, list(plots.values()))}
    for number, picture in enumerate(plots.values(), 1):
        files[f"capacity{'' if number == 1 else f'-{number}'}.svg"] = alone(picture)
    secrets = [secret.reveal() for secret in trial.references.known]
    ended = code(outcome)
    try:
        stamp = trial.started.strftime(closing.STAMP)
        folder = closing._fresh(Path(trial.options.report_dir), f"{stamp}-{trial.profile.profile}-capacity")
        for name, text in files.items():
            writers.put(folder / name, writers.sweep(text, secrets)[0])
    except OSError as why:
        say(f"no report could be written to {trial.options.report_dir}: {why.strerror}")
        ended = ended or 3
    else:
        say(f"report {folder / 'capacity.html'}")
    for line in lines(outcome):
        say(writers.sweep(line, secrets)[0])
    if given.json:
        sys.stdout.write(writers.sweep(told, secrets)[0])
    return ended
