"""One run: its profile, its subjects, what was observed, what every test came to, and the record of it all.

The pytest hooks in `plugin` are thin and call this; nothing here knows pytest but for its stash key.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from seatrial.explain import Operands
from seatrial.interrupts import LATE, Late, handled
from seatrial.options import Options, Refused
from seatrial.outcomes import Level, Outcome, Raw, Tier
from seatrial.record import Check, Record
from seatrial.safety import identity as identities
from seatrial.words import CouldNotLook, Missing, Secret

if TYPE_CHECKING:
    from seatrial.facts.runtime import Engine, Observations
    from seatrial.profile.loading import Loaded
    from seatrial.profile.subjects import Subject
    from seatrial.requirement import Requirement

__all__ = ["TRIAL", "Absent", "Instance", "Trial"]

TRIAL: pytest.StashKey[Trial] = pytest.StashKey()
SECRET_NAME = re.compile(r"PASSWORD|SECRET|TOKEN|KEY", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Absent:
    """In place of a subject: the profile declares none. The reason names the missing key."""

    id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Instance:
    """One test instance: a requirement on a subject."""

    requirement: Requirement
    subject: Subject | Absent


class Trial:
    """The state of one run."""

    def __init__(self, options: Options, arguments: tuple[str, ...]) -> None:
        """Load the profile. Nothing is contacted.

        Raises:
            Refused: bad profile, or a run that may not be made.
        """
        from seatrial.profile.loading import ProfileError, load
        from seatrial.profile.references import References

        self.options = options
        self.arguments = arguments
        self.clock = time.monotonic()
        self.started = datetime.now(UTC)
        self.observations: Observations | None = None
        self.facts_about: dict[str, Any] = {}
        self.given = options.profile or "demo"
        """What to type to have this profile again."""
        if options.facts:
            from seatrial.observe import read_facts

            try:
                self.observations, self.facts_about = read_facts(options.facts)
            except CouldNotLook as why:
                raise Refused(str(why)) from None
            if options.profile is None:
                self.given = self.facts_about["profile"]["file"]
        self.folder: Path | None = None
        if self.given.startswith("compose:"):  # without a profile, one is made in the run's own folder
            from seatrial.closing import drafted

            self.folder, self.given = drafted(self)
        try:
            self.loaded: Loaded = load(self.given)
        except ProfileError as bad:
            moved = self.facts_about and options.profile is None
            hint = "\nThese facts name that profile: when it has moved, say where with --profile=PATH" if moved else ""
            raise Refused(f"{bad.told()}{hint}") from None
        self.profile = self.loaded.profile
        refused = identities.refusal_unseen(
            environment=self.profile.environment,
            tier=options.tier,
            pinned=self.profile.target.identity,
            confirmed=options.confirm_target,
        )
        if refused:
            raise Refused(refused)
        self.references = References(dict(os.environ), self.loaded.file.parent)
        self._open = ExitStack()
        self._signals = ExitStack()
        self._ending = False
        self.checks: dict[str, Check] = {}
        self.problems: list[str] = []
        self.notes: list[str] = []
        self.instances: dict[str, Instance] = {}
        self.complete = True
        self.operands: Operands | None = None
        self.running = ""
        self.told: Record | None = None
        self._wrong_target = ""
        self._late = False
        self._needed: dict[str, set[str]] = {}
        self.calls: dict[str, int] = {}
        if self.facts_about and self.facts_about["profile"]["sha256"] != self.loaded.sha256:
            self.notes.append("the profile has changed since these facts were observed")

    # --- what would run -------------------------------------------------------------------------------------------

    def level(self, requirement: Requirement) -> Level:
        """The level that holds in this run: hardening is binding under ``hardening: restricted``."""
        if requirement.hardening and self.profile.hardening == "restricted":
            return {Level.SHOULD: Level.MUST, Level.SHOULD_NOT: Level.MUST_NOT}.get(
                requirement.level, requirement.level
            )
        return requirement.level

    def subjects(self, requirement: Requirement) -> list[Subject | Absent]:
        """What a requirement is about in this profile: at least one subject, or one that says why there is none."""
        from seatrial.profile.subjects import NOUNS, subjects

        if requirement.noun not in NOUNS:
            raise Refused(
                f"{requirement.file}:{requirement.line}: {requirement.noun!r} is no noun; there are {', '.join(NOUNS)}"
            )
        found, lacking = subjects(self.profile, requirement.noun, requirement.needs)
        # A key that only some drivers can look at is unchecked under the others, and no fault of the profile.
        asked = {key.partition(".")[0] for key in requirement.needs.split("|")} & set(SECTIONS) if found else set()
        for section in (*NOUNS[requirement.noun].sections, *asked):
            self._needed.setdefault(section, set()).update(subject.id for subject in found)
        return [*found] if found else [Absent("not-applicable", lacking)]

    def withheld(self, instance: Instance) -> bool:
        """Whether an instance needs a higher tier than was granted."""
        return instance.requirement.tier > self.options.tier

    def _declared(self) -> dict[str, list[str]]:
        """The sections the profile declares, with the subjects that do; what is declared absent is not among them."""
        from seatrial.profile.model import None_

        found: dict[str, list[str]] = {}
        for name in ("hardware", "secrets", "same", "alerts", "backups", "slos", "maintenance"):
            value = getattr(self.profile, name)
            if value and not isinstance(value, None_):
                found[name] = [name]
        for service, node in self.profile.services.items():
            for name in SECTIONS:
                if getattr(node, name) is not None:
                    found.setdefault(name, []).append(service)
        return found

    def unchecked(self) -> tuple[str, ...]:
        """Sections that are declared and that no collected requirement is about."""
        return tuple(sorted(set(self._declared()) - set(self._needed)))

    def untested(self) -> list[str]:
        """Sections that are declared, have requirements, and still gave no test at all: an error."""
        return [name for name in self._declared() if name in self._needed and not self._needed[name]]

    # --- looking --------------------------------------------------------------------------------------------------

    def look(self, say: Callable[[str], None]) -> None:
        """Start what the profile starts, make sure of the target, and observe everything once.

        Raises:
            Refused: this is not the target that more than observe was granted on, or nothing of it could be kept.
        """
        from seatrial.closing import unwritable

        if why := unwritable(Path(self.options.report_dir)):
            raise Refused(f"--report-dir={self.options.report_dir}: {why}; nothing was contacted")
        wanted = [
            instance.subject
            for instance in self.instances.values()
            if not isinstance(instance.subject, Absent) and not self.withheld(instance)
        ]
        if not wanted:
            return
        if self.observations is not None:
            self._check_identity(self.engine())
            return
        from seatrial.observe import own_trouble

        try:
            with self.deadline():
                self.observations = self._observe(wanted, say)
        except (CouldNotLook, Late) as why:
            self.observations = self._nothing(why if isinstance(why, CouldNotLook) else CouldNotLook(LATE))
        except Refused:
            raise
        except Exception as trouble:  # noqa: BLE001 - an error of every test, and a report that says so
            self.observations = self._nothing(CouldNotLook(own_trouble(trouble)))
        self._check_identity(self.engine())

    def _observe(self, wanted: list[Subject], say: Callable[[str], None]) -> Observations:
        from seatrial import drivers
        from seatrial.observe import observe, wait_ready

        if start := self.profile.target.start:
            from seatrial.drivers import process

            say(f"starting {shlex.join(start.command)}")
            announced = self._open.enter_context(process.start(start, cwd=self.loaded.file.parent))
            self.references.env.update(announced)
            self.references.known.update(
                Secret(value, f"env {name}") for name, value in announced.items() if value and SECRET_NAME.search(name)
            )
        session = self.session()
        if self.options.tier > Tier.observe:
            identity = drivers.load(self.profile.target.driver).identity(session)
            self._confirm(identity, self.references.resolve(self.profile.target.host) or "")
            self._hold(session, identity, wanted)
        if self.options.wait_ready is not None:
            say("waiting for readiness")
            if late := wait_ready(session, self.options.wait_ready):
                self.notes.append(f"not ready after {self.options.wait_ready:g} s of --wait-ready: {late}")
        say(f"looking at {self.profile.profile} by driver {self.profile.target.driver}")
        observations = observe(session, wanted)
        if self.options.tier > Tier.observe:
            observations = self._experiment(session, observations, wanted, say)
        self.calls = dict(session.calls)
        return observations

    def _hold(self, session: Any, identity: str, wanted: list[Subject]) -> None:
        """Keep other runs off a target that is about to be disturbed, and this one off a target that is not as it was found."""
        from seatrial.experiments import nouns
        from seatrial.safety import journal

        if not any(subject.noun in nouns() for subject in wanted):
            return
        target = self.profile.target
        # What this run has started is nobody else's; else one deployment of an engine or a machine is one target.
        which = f"run {os.getpid()}" if target.start else target.compose_project or self.profile.profile
        session.key = f"{identity} {which}"
        try:
            session.lock = self._open.enter_context(journal.held(session.key))
        except journal.Held as who:
            raise Refused(f"another run disturbs this target now: {who}; nothing was disturbed") from None
        if left := journal.unrecovered(session.key):
            raise Refused(left)

    def _experiment(
        self, session: Any, observations: Observations, wanted: list[Subject], say: Callable[[str], None]
    ) -> Observations:
        """Disturb the target, and keep what was seen. What the deadline left undone is an error, and nothing else is."""
        from seatrial.experiments import PARTS, perform

        parts: dict[str, Any] = {part: {} for part in PARTS}
        self.observations = observations = replace(observations, **parts)
        try:
            perform(session, observations.runtime, wanted, say, parts, self.problems)
        except Late:
            self._late = False
            self.notes.append(LATE)
        return observations

    def session(self) -> Any:
        """What the drivers of this run may do and know."""
        from seatrial.drivers import Session
        from seatrial.looks._secrets import known_secrets, redacting

        known = known_secrets(self.profile, self.references)
        return Session(
            profile=self.profile,
            base=self.loaded.file.parent.absolute(),  # a journal is read in another folder
            resolve=self.references.resolve,
            granted=self.options.tier,
            mask=self.references.mask,
            known=known,
            redact=redacting(known),
        )

    def _nothing(self, why: CouldNotLook) -> Observations:
        from seatrial.facts.runtime import Observations

        return Observations(
            taken=self.started.isoformat(timespec="milliseconds"), runtime=Missing(why.reason, why.right)
        )

    def engine(self) -> Engine | None:
        """What runs the target, when it could be seen."""
        runtime = self.observations.runtime if self.observations else Missing("")
        return None if isinstance(runtime, Missing) else runtime.engine

    def _confirm(self, identity: str, address: str) -> None:
        refused = identities.refusal(
            tier=self.options.tier,
            pinned=self.profile.target.identity,
            identity=identity,
            address=address,
            confirmed=self.options.confirm_target,
        )
        if refused:
            raise Refused(refused)

    def _check_identity(self, engine: Engine | None) -> None:
        pinned = self.profile.target.identity
        if engine and pinned and engine.identity != pinned:
            self._wrong_target = f"this is not the target the profile pins: it is {engine.identity}, pinned is {pinned}"

    def observed(self, subject: Subject) -> Observations:
        """What was observed, for a test about this subject.

        Raises:
            CouldNotLook: nothing was, or not of the right target, or of one that was replaced meanwhile.
        """
        if self.observations is None:
            raise CouldNotLook("nothing was observed in this run")
        if self._late:
            raise CouldNotLook(LATE)
        if self._wrong_target:
            raise CouldNotLook(self._wrong_target)
        if changed := self.observations.changed.get(subject.service):
            raise CouldNotLook(changed)
        return self.observations

    def hold_signals(self) -> None:
        """From now on SIGTERM and SIGHUP end the run as Ctrl-C does: what was started is stopped, and reports are written.

        Once it is ending by itself they are let pass: what a signal asks for is happening.
        """

        def stop(number: int, _frame: object) -> None:
            if self._ending:
                return
            if number != signal.SIGINT:
                self.notes.append(f"stopped by {signal.Signals(number).name}")
            raise KeyboardInterrupt(signal.Signals(number).name)

        # What nohup or a shell's `&` told to be ignored stays so.
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        heard = [number for number in numbers if signal.getsignal(number) != signal.SIG_IGN]
        self._signals.enter_context(handled(dict.fromkeys(heard, stop)))

    def release_signals(self) -> None:
        """Signals mean again what they meant before the run."""
        self._signals.close()

    @contextmanager
    def finishing(self, *, alone: bool) -> Iterator[None]:
        """While the reports are written and what was started is stopped, no signal cuts that short.

        Args:
            alone: no tests but ours are in the session, so that there is nothing else to stop afterwards.
        """
        self._ending = True
        try:
            yield
        finally:
            self._ending = alone

    @contextmanager
    def deadline(self) -> Iterator[None]:
        """Ends looking when the run's time is up; every test after that is an error."""
        if self.options.deadline is None:
            yield
            return

        def late(_number: int, _frame: object) -> None:
            self._late = True
            raise Late

        with handled({signal.SIGALRM: late}):
            left = self.options.deadline - (time.monotonic() - self.clock)
            signal.setitimer(signal.ITIMER_REAL, max(0.001, left))
            try:
                yield
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)

    def close(self) -> None:
        """Stop what this run started."""
        from seatrial.closing import discard

        self._open.close()
        discard(self)

    # --- judging --------------------------------------------------------------------------------------------------

    def result(
        self,
        node: str,
        raw: Raw,
        *,
        seconds: float,
        error: BaseException | None = None,
        reason: str = "",
        right: str = "",
    ) -> Check:
        """Judge one phase of a test and keep the result; an error in any phase is never overruled."""
        from seatrial.judging import judged

        check = judged(self, node, raw, seconds=seconds, error=error, reason=reason, right=right)
        earlier = self.checks.get(node)
        if earlier is not None and earlier.outcome is Outcome.error:
            return earlier
        if earlier is not None:
            check = replace(check, seconds=earlier.seconds + seconds)
        self.checks[node] = check
        self.operands = None
        return check

    def mask(self, text: str) -> str:
        """The text without any secret value this run knows."""
        return self.references.mask(text)

    def see(self, requirement: Requirement, subject: Subject | Absent) -> str:
        """The command with which to see it by hand, with the names and addresses of this target in it."""
        if isinstance(subject, Absent) or not requirement.see:
            return ""
        runtime = self.observations.runtime if self.observations else Missing("")
        names = [subject.service]
        if not isinstance(runtime, Missing):
            containers = runtime.containers.get(subject.service, ())
            names = [c.name for c in containers] if containers and not isinstance(containers, Missing) else names
        text = requirement.see.replace("CONTAINER", names[0]).replace("SERVICE", subject.service)
        for word, url in self.observations.urls(subject.id).items() if self.observations else ():
            text = text.replace(word, url)
        return text


SECTIONS = (
    "liveness", "readiness", "startup", "health", "canary", "depends_on", "exposure", "tls", "metrics", "environment",
    "configuration",    "persistence", "logs", "traces", "limits", "rate_limits", "access",
)  # fmt: skip


def arguments() -> tuple[str, ...]:
    """The command line, for reports, without the program's path."""
    return tuple(sys.argv[1:])
