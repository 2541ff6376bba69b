"""Negative controls of a drill: what is no good backup must be refused, and leave the target as it was.

The good backup is restored first, once more: what came back then is what "restored" means here, so that what a procedure loses
anyway is not counted against its manners. Time is bounded: what is needed is tried first, and what was not tried is told.
"""

from __future__ import annotations

import contextlib
import secrets
import shutil
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from seatrial.drills import damaging, hostile
from seatrial.drills.damaging import Damage, Working
from seatrial.facts.backups.drill import Control, Ran
from seatrial.safety.acts import NotRecovered
from seatrial.words import CouldNotLook, Missing

if TYPE_CHECKING:
    from seatrial.drills.place import Place
    from seatrial.drills.stores import Content, Store
    from seatrial.drills.trip import Trip

__all__ = ["SECONDS", "controls"]

SECONDS = 120.0
"""Seconds after which no further bit is turned over."""
MOST = 600.0
"""Seconds after which nothing more is tried at all."""
AGAIN = 0.2
LEAST_WITHIN = 30.0
LEAST_SETTLING = 2.0
OVER = "over restored data"
ROLE = "target of controls"
EXPIRES = "expires"
"""The attribute by which a store tells when an object goes by itself."""
UNASKED = Missing("it could be read; whether it takes writes was asked after all bits")


def controls(trip: Trip, artifact: Path, content: Content, kinds: Collection[str] | None = None) -> tuple[Control, ...]:
    """Every control that the declaration of a drill allows.

    Args:
        trip: the drill.
        artifact: a good backup.
        content: what its source held.
        kinds: only these.

    Raises:
        CouldNotLook: the good backup is not restored either, so that a bad one shows nothing.
    """
    made = _Controls(trip, artifact, content, kinds)
    try:
        return tuple(made.all())
    finally:
        made.close()


@dataclass(slots=True)
class _Target:
    """A target for as long as it is as it was when it was made."""

    place: Place
    store: Store
    before: dict[str, str] | Missing
    usable: bool
    stack: contextlib.ExitStack

    def close(self) -> None:
        self.stack.close()


def _digests(content: Content) -> dict[str, str]:
    """Contents by name, without what goes by itself while controls are made."""
    return {
        name: item.digest
        for name, item in content.items.items()
        if not any(key == EXPIRES and value not in ("", "never") for key, value in item.attributes)
    }


def _said(ran: Ran) -> str:
    """The line by which it told what was wrong."""
    return ran.last_words[:300]


@dataclass(slots=True)
class _Controls:
    trip: Trip
    artifact: Path
    content: Content
    kinds: Collection[str] | None = None
    began: float = field(default_factory=time.monotonic)
    target: _Target | None = None
    right: dict[str, str] = field(default_factory=dict)
    """What the good backup brings back, by name."""
    took: float = 0.0
    """Seconds that restoring the good backup took."""
    settling: float = 0.0

    @property
    def spent(self) -> float:
        return time.monotonic() - self.began

    def close(self) -> None:
        """Take the target away."""
        if self.target is not None:
            target, self.target = self.target, None
            target.close()

    def all(self) -> Iterator[Control]:
        """One after the other: what is needed first."""
        trip = self.trip
        files = trip.backup.files
        folder = trip.scratch / "controls"
        shutil.rmtree(folder, ignore_errors=True)
        copy = Working(
            self.artifact, folder, match=files.match if files else "*", checksum=(files.checksum or "") if files else ""
        )
        cuts = damaging.cut(copy)
        yield from self._good(copy, cuts[0] if cuts else None)
        for damage in (damaging.emptied(copy), *cuts):
            yield from self._restored(copy, damage, verify=trip.backup.verify is not None)
        yield from self._restored(copy, damaging.missing(copy))
        if self._wanted("wrong key"):
            yield from self._wrong_key(copy)
        if self._wanted("other version"):
            yield from self._other_version(copy)
        if self._wanted(hostile.KIND):
            yield from self._climbing(copy)
        self.close()
        if self._wanted("unreachable"):
            yield from self._unreachable()
        if self._wanted("flipped"):
            yield from self._flipped(copy, "flipped", damaging.flips(copy, trip.name), SECONDS)
        if self._wanted("flipped inside") and (inner := damaging.inner_flips(copy, trip.name)):
            yield from self._flipped(copy, "flipped inside", inner, 1.5 * SECONDS)

    def _wanted(self, kind: str) -> bool:
        return self.kinds is None or kind in self.kinds

    # --- targets --------------------------------------------------------------------------------------------------

    def _fresh(self) -> _Target:
        """A target as it is made; the one before where that is still so."""
        if self.target is None:
            stack = contextlib.ExitStack()
            try:
                place, store = stack.enter_context(self.trip.target(ROLE))
                before: dict[str, str] | Missing
                usable = True
                try:
                    before = _digests(store.content())
                    usable = not store.usable()
                except CouldNotLook as why:
                    before, usable = Missing(why.reason), False
            except BaseException:
                stack.close()
                raise
            # Of many targets that are made, one after the other, nobody wants to read.
            self.trip.steps[:] = [step for step in self.trip.steps if step.what != f"make a {ROLE}"]
            self.target = _Target(place, store, before, usable, stack)
        return self.target

    def _now(self, target: _Target) -> dict[str, str] | Missing:
        """What a target holds, waited for as long as the good backup took to be there, and longer."""
        end = time.monotonic() + max(LEAST_SETTLING, 3 * self.settling)
        while True:
            try:
                store = self.trip.opened(target.place)
                store.ready()
                found = _digests(store.content())
            except CouldNotLook as why:
                if time.monotonic() >= end:
                    return Missing(why.reason)
                time.sleep(AGAIN)
            else:
                target.store = store
                return found

    def _usable(self, target: _Target, now: dict[str, str] | Missing) -> bool | Missing:
        if not target.usable:
            return Missing("it could not be used before the restore either")
        if isinstance(now, Missing):
            return False
        try:
            return not target.store.usable()
        except CouldNotLook:
            return False

    def _good(self, copy: Working, cut: Damage | None) -> Iterator[Control]:
        """Restore the good backup; then, over what it brought, one that was cut short."""
        trip = self.trip
        with trip.step("control: the good backup"):
            target = self._fresh()
            began = time.monotonic()
            ran = trip.restore(target.place, self.artifact)
            self.took = time.monotonic() - began
            if not ran.ok:
                raise CouldNotLook(
                    f"the good backup is refused too, so that nothing shows what a bad one does: {_said(ran)}"
                )
            settled = trip.settled(target.place)
            if settled.why:
                raise CouldNotLook(f"the target can't be used after a good backup was restored: {settled.why}")
            self.settling = settled.seconds
            target.store = settled.store
            now, was = _digests(settled.store.content()), _digests(self.content)
            before = {} if isinstance(target.before, Missing) else target.before
            self.right = {
                name: digest for name, digest in now.items() if was.get(name) == digest and before.get(name) != digest
            }
            if not self.right:
                raise CouldNotLook(
                    "the good backup brings nothing back either, so that nothing shows what a bad one does"
                )
        if cut is not None and self._wanted(cut.kind):
            target.before, target.usable = now, not settled.store.usable()
            with trip.step(f"control: {cut.kind}, {OVER}") as doing, copy.damaged(cut) as path:
                made = self._tried(target, replace(cut, detail=f"{cut.detail}, {OVER}"), path)
                doing.said, doing.ok = self._told(made), made.refused is True
            yield made
        self.close()

    # --- one control ----------------------------------------------------------------------------------------------

    def _tried(
        self,
        target: _Target,
        damage: Damage,
        path: Path,
        environment: Mapping[str, str] | None = None,
        *,
        asked: bool = True,
    ) -> Control:
        """Restore something that is no good backup into a target, and look what that came to.

        Args:
            target: where.
            damage: what is wrong with it.
            path: the backup.
            environment: more of the procedure's.
            asked: whether the target is made to take a write, beside being read.
        """
        within = max(LEAST_WITHIN, 10 * self.took)
        node = self.trip.backup.restore
        if node is not None and not isinstance(node, list):
            within = min(within, float(node.within.seconds))
        ran = self.trip.restore(target.place, path, environment, within=within)
        refused: bool | Missing = ran.status if isinstance(ran.status, Missing) else not ran.ok
        now = self._now(target)
        if isinstance(target.before, Missing):
            changed: bool | Missing = Missing(f"what it held before could not be read: {target.before.reason}")
        elif isinstance(now, Missing):
            changed = True
        else:
            changed = now != target.before
        return Control(
            damage.kind,
            damage.detail,
            "restore",
            refused,
            _said(ran),
            now if isinstance(now, Missing) else sum(now.get(name) == digest for name, digest in self.right.items()),
            len(self.right),
            self._usable(target, now) if asked or isinstance(now, Missing) else UNASKED,
            changed,
        )

    def _used(self, made: Control) -> None:
        """A target is kept for the next where it is as it was."""
        if made.changed is not False or not (made.usable is True or made.usable == UNASKED):
            self.close()

    def _told(self, made: Control) -> str:
        if isinstance(made.refused, Missing):
            return made.refused.reason
        if made.refused:
            return f"refused: {made.said or 'without a word'}"
        right = "an unknown number" if isinstance(made.restored, Missing) else str(made.restored)
        return f"it ended with 0, with {right} of {made.expected} objects right"

    def _late(self, kind: str, detail: str, of: str, most: float | None = None) -> Control | None:
        """In place of a control for which there was no time."""
        most = MOST if most is None else most
        if self.spent < most:
            return None
        return Control(kind, detail, of, Missing(f"it was not tried: {most:g} s were used up by others"))

    def _restored(
        self,
        copy: Working,
        damage: Damage,
        environment: Mapping[str, str] | None = None,
        *,
        verify: bool = False,
        look: Callable[[Place], tuple[str, ...]] = lambda _: (),
    ) -> Iterator[Control]:
        """One control of the restore, and of the verification; trouble with it costs no other."""
        if not self._wanted(damage.kind):
            return
        if late := self._late(damage.kind, damage.detail, "restore"):
            yield late
            return
        try:
            target = self._fresh()
            with self.trip.step(f"control: {damage.kind}, {damage.detail}") as doing, copy.damaged(damage) as path:
                made = self._tried(target, damage, path, environment)
                doing.said, doing.ok = self._told(made), made.refused is True or not self._counts(made)
                made = replace(made, escaped=look(target.place))
                yield made
                if verify:
                    ran = self.trip.verify(target.place, path)
                    refused = ran.status if isinstance(ran.status, Missing) else not ran.ok
                    yield Control(damage.kind, damage.detail, "verify", refused, _said(ran))
        except NotRecovered:
            raise
        except CouldNotLook as why:
            yield Control(damage.kind, damage.detail, "restore", Missing(why.reason, why.right))
            self.close()
        else:
            self._used(made)

    @staticmethod
    def _counts(made: Control) -> bool:
        """Whether success is wrong: not for an archive that was only added to."""
        return made.kind != hostile.KIND

    def _flipped(self, copy: Working, kind: str, damages: list[Damage], most: float) -> Iterator[Control]:
        """Bits that are turned over, one at a time."""
        with self.trip.step(f"control: {kind}, {len(damages)} bits") as doing:
            made = [self._late(kind, each.detail, "restore", most) or self._bit(copy, each) for each in damages]
            if self.target is not None and self._usable(self.target, self._now(self.target)) is False:
                # Each left the target as it was, and could be read; that it takes no write any more is seen only now.
                made[-1] = replace(made[-1], usable=False)
            refused = sum(each.refused is True for each in made)
            same = sum(each.refused is False and each.restored == each.expected for each in made)
            untried = sum(isinstance(each.refused, Missing) for each in made)
            wrong = len(made) - refused - same - untried
            doing.said = f"{refused} refused, {same} restored all the same, {wrong} restored something else" + (
                f", {untried} not tried" if untried else ""
            )
            doing.ok = not wrong
        self.close()
        yield from made

    def _bit(self, copy: Working, damage: Damage) -> Control:
        """One bit turned over. Whether the target takes writes is asked once for all of them."""
        try:
            target = self._fresh()
            with copy.damaged(damage) as path:
                made = self._tried(target, damage, path, asked=False)
        except NotRecovered:
            raise
        except CouldNotLook as why:
            self.close()
            return Control(damage.kind, damage.detail, "restore", Missing(why.reason, why.right))
        self._used(made)
        return made

    def _wrong_key(self, copy: Working) -> Iterator[Control]:
        """A good backup, and a key that is not its own."""
        if not self.trip.drill.wrong_key:
            return
        target = self._fresh()
        environment = {name: target.place.resolve(value) for name, value in self.trip.drill.wrong_key.items()}
        with_key = Damage("wrong key", ", ".join(sorted(environment)), (), lambda _: None)
        yield from self._restored(copy, with_key, environment)

    def _other_version(self, copy: Working) -> Iterator[Control]:
        """A backup that another version made."""
        other = self.trip.drill.other_version
        if other is None:
            return
        file = self.trip.session.base / other
        damage = Damage("other version", file.name, (copy.largest,), lambda path: _replaced(file, path))
        for made in self._restored(copy, damage):
            # What is in it is not known: that something came is all that can be said.
            came = Missing("what it holds is not known") if made.changed is not False else 0
            yield replace(made, restored=came, expected=0)

    def _climbing(self, copy: Working) -> Iterator[Control]:
        """An archive with members whose names lead elsewhere."""
        token = secrets.token_hex(6)
        damage = hostile.climbing(copy, token)
        if damage is None:
            return
        yield from self._restored(copy, damage, look=lambda place: hostile.escaped(place, token))
        self.close()

    def _unreachable(self) -> Iterator[Control]:
        """The backup of a source that is gone."""
        trip, gone = self.trip, self.trip.drill.gone
        if gone is None or trip.drill.source is None:
            return
        known = trip.known
        with trip.step("control: the source is gone") as doing, trip.sourced("source that is gone") as (place, store):
            try:
                store.seed(1)
                ran, _ = trip.back_up(place)
                if not ran.ok:
                    raise CouldNotLook(f"the backup fails also while its source is there: {_said(ran)}")
                time.sleep(1.1)  # names with the time in them are to differ
                ran = place.procedure(gone, what="drill.gone")
                if not ran.ok:
                    raise CouldNotLook(f"drill.gone failed, so that the source may be there: {_said(ran)}")
                ran, left = trip.back_up(place)
                refused: bool | Missing = ran.status if isinstance(ran.status, Missing) else not ran.ok
                detail = f"it left {_size(left):,} bytes" if left.exists() else "it left nothing"
                doing.said, doing.ok = _said(ran), refused is True
                yield Control("unreachable", detail, "command", refused, _said(ran))
            except CouldNotLook as why:
                doing.said, doing.ok = why.reason, False
                yield Control("unreachable", "", "command", Missing(why.reason, why.right))
            finally:
                trip.known = known


def _replaced(source: Path, path: Path) -> None:
    shutil.copyfile(source, path)


def _size(path: Path) -> int:
    return sum(file.lstat().st_size for file in (path.rglob("*") if path.is_dir() else [path]) if file.is_file())
