"""The steps of a round trip, one after the other, and the record of what each came to."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import MISSING, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from seatrial.drills.comparing import Compared, compared
from seatrial.drills.residue import Before, left
from seatrial.drills.stores import Content, declared, key_of, open_store
from seatrial.drills.taking import digest_of
from seatrial.drills.trip import Trip
from seatrial.facts.backups.drill import Again, Difference, Drill, Fingerprint, Ran, Residue
from seatrial.safety.acts import NotRecovered
from seatrial.words import CouldNotLook, Missing, Size

if TYPE_CHECKING:
    from seatrial.drills.place import Place
    from seatrial.drills.stores import Store
    from seatrial.experiments._bench import Bench
    from seatrial.profile.backing import Backup

__all__ = ["record"]

APART = 1.1
"""Seconds between two backups: names with the time in them, to the second, are to differ."""
UNASKED = Missing("no test of this run is about it")
T = TypeVar("T")


def record(bench: Bench, backup: Backup, name: str, scratch: Path, began: str) -> Drill:
    """Make one round trip.

    Args:
        bench: of the run.
        backup: as declared.
        name: of it.
        scratch: a folder of the run's own.
        began: when, RFC 3339.

    Raises:
        CouldNotLook: it could not be begun.
        NotRecovered: something could not be undone.
    """
    from seatrial.drills.places import deployment, staged

    drill: Any = backup.drill
    if backup.store is None:
        raise CouldNotLook(f"it is not declared what backups.{name} saves", right=f"backups.{name}.store")
    with ExitStack() as stack:
        if drill.source is None:
            place: Place = deployment(bench.session, bench.hands)
        else:
            place = stack.enter_context(
                staged(bench.session, bench.disturber, bench.hands, drill.source, role="source")
            )
        kept = declared(backup, drill.source)
        store = open_store(place, kept)
        store.ready()
        trip = Trip(bench.session, bench, backup, name, place, store, scratch)
        if drill.source is None:
            acts = bench.hands.acts("seed", backup.service or "", backup=name)
            stack.enter_context(bench.disturber.disturbed(*acts))
        return _Record(trip, key_of(kept), began).made()


class _Record:
    """What is known of the drill so far."""

    def __init__(self, trip: Trip, store: str, began: str) -> None:
        self.trip = trip
        self.found: dict[str, Any] = {
            "backup": f"backups.{trip.name}",
            "store": store,
            "source": trip.source.name,
            "target": "a scratch target",
            "began": began,
            "alone": trip.source.scratch,
        }
        self.seeded: dict[str, str] = {}
        self.removed: tuple[str, ...] = ()
        self.was = Content()
        self.back = Content()
        self.later = Content()

    def made(self) -> Drill:
        """The whole of it."""
        why: CouldNotLook | None = None
        try:
            self._all()
        except NotRecovered:
            raise
        except CouldNotLook as trouble:
            why = trouble
        found = {**self.found, "seconds": self.trip.now, "steps": tuple(self.trip.steps), "notes": self.trip.notes}
        if why is not None:
            # What comes after a step that could not be done is not known for the same reason.
            for each in fields(Drill):
                if each.name not in found and each.default is not MISSING and isinstance(each.default, Missing):
                    found[each.name] = Missing(f"the drill ended before: {why.reason}", why.right)
            if self.trip.source.scratch:
                found.setdefault("again", Missing(f"the drill ended before: {why.reason}", why.right))
            if self.trip.drill.writes:
                found.setdefault("wrote", Missing(f"the drill ended before: {why.reason}", why.right))
            if self.trip.backup.verify is not None:
                found.setdefault("verified", Missing(f"the drill ended before: {why.reason}", why.right))
        return Drill(**found)

    def _all(self) -> None:
        trip = self.trip
        self._seed()
        artifact = self._back_up()
        if artifact is None:
            raise CouldNotLook("the backup left nothing that could be restored")
        second = self._second()
        with trip.target() as (place, store):
            self.found["target"] = place.name
            self.found["same_server"] = same = self._same(place, store)
            if same:
                raise CouldNotLook(f"nothing was restored: {same}")
            self._restore(place, store, artifact)
            self._verify(place, artifact)
        self._again(second, artifact)
        self._beside(artifact)

    # --- the source -----------------------------------------------------------------------------------------------

    def _seed(self) -> None:
        trip = self.trip
        with trip.step("seed") as doing:
            self.seeded = trip.store.seed(trip.drill.seed.bytes)
            self.removed = trip.store.removed()
            self.found |= {"seeded": self.seeded, "removed": self.removed}
            doing.said = f"{len(self.seeded)} sentinels, {len(self.removed)} removed again"
        with trip.step("fingerprint of the source") as doing:
            self.was = trip.store.content()
            self.found["source_before"] = self.was.fingerprint()
            doing.said = _told(self.was.fingerprint())
        absent = [name for name in self.seeded if name not in self.was.items]
        there = [name for name in self.removed if name in self.was.items]
        if absent or there:
            raise CouldNotLook(
                f"what was written to {trip.source.name} is not what it holds: {len(absent)} of {len(self.seeded)} sentinels are "
                f"not there, {len(there)} of {len(self.removed)} that were removed are: {(absent + there)[0]!r}"
            )

    def _back_up(self) -> Path | None:
        trip = self.trip
        before = Before.of(trip.lies(trip.source), trip.store, trip.folder(trip.source))
        with trip.step("backup") as doing:
            ran, artifact = trip.back_up()
            self.found["backed_up"] = ran
            doing.said, doing.ok = ran.ending, ran.ok
        left = artifact.exists()
        self.found["left_nothing"] = not left
        if left:
            self.found["taken"] = trip.taken(artifact)
        with trip.step("fingerprint of the source again") as doing:
            now = trip.store.content()
            self.found["source_after"] = now.fingerprint()
            doing.said = _told(now.fingerprint())
            self.later = now
            changed = compared(self.was, now, seeded=self.seeded, removed=self.removed, alone=trip.source.scratch)
            self.found["source_changed"] = tuple(changed.differences)
        self._left(before, "source")
        if not trip.source.scratch:
            try:
                trip.take_away()
            except CouldNotLook as why:
                trip.notes["left"] = f"the backup that was made could not be taken away: {why.reason}"
        return artifact if left else None

    def _left(self, before: Before, where: str) -> None:
        """What a procedure left behind, in one place and in the other."""
        trip = self.trip
        earlier: tuple[Residue, ...] | Missing = self.found.get("residue", ())
        mine = trip.laid(before.place)
        now = _kept(lambda: left(before, where, self.was, trip.backup.files, mine))
        if isinstance(earlier, Missing) or isinstance(now, Missing):
            self.found["residue"] = earlier if isinstance(earlier, Missing) else now
        else:
            self.found["residue"] = (*earlier, *now)

    # --- the target -----------------------------------------------------------------------------------------------

    def _same(self, place: Place, store: Store) -> str:
        """Why source and target are one; they are told apart before anything is done to the target."""
        mine = self.trip.store.identity()
        try:
            other = store.identity()
        except CouldNotLook as why:
            # Nothing answers in a place that is the run's own: what a restore starts there is not what runs elsewhere.
            self.trip.notes["target before"] = why.reason
            other = ""
        if other == mine:
            return f"the store of {place.name} is that of {self.trip.source.name}"
        if place.processes == self.trip.source.processes:
            return f"{place.name} is {self.trip.source.name}"
        return ""

    def _restore(self, place: Place, store: Store, artifact: Path) -> None:
        trip = self.trip
        with trip.step("fingerprint of the target") as doing:
            before = self._before(store)
            self.found["target_before"] = before.fingerprint()
            doing.said = _told(before.fingerprint())
        lay = Before.of(place, store, trip.folder(place))
        with trip.step("restore") as doing:
            ran = trip.restore(place, artifact)
            self.found["restored"] = ran
            doing.said, doing.ok = ran.ending, ran.ok
        with trip.step("ready") as doing:
            settled = trip.settled(place, since=trip.now - ran.seconds)  # carrying the backup there is not its doing
            doing.said, doing.ok = settled.why or "it can be used", not settled.why
            self.found["not_ready"] = settled.why
            if settled.why:
                raise CouldNotLook(f"the target could not be used after the restore: {settled.why}")
            self.found["ready_seconds"] = settled.seconds
        self._left(lay, "target")
        with trip.step("compare") as doing:
            differences = self._compared(settled.store, before)
            doing.said = ", ".join(f"{count} {kind}" for kind, count in differences.counts.items()) or "equal"
            doing.ok = not differences.counts
            self.found |= {"differences": tuple(differences.differences), "counts": differences.counts}
            alone = trip.source.scratch
            self.found["compared"] = len(self.was.items) if alone else len(self.seeded)

    def _before(self, store: Store) -> Content:
        """What the target holds before the restore: nothing, where nothing answers yet."""
        try:
            before = store.content()
        except CouldNotLook as why:
            self.trip.notes["target before"] = why.reason
            return Content()
        there = [name for name in self.seeded if before.items.get(name) == self.was.items[name]]
        if there:
            raise CouldNotLook(
                f"the target held {len(there)} of {len(self.seeded)} sentinels before anything was restored: {there[0]!r}"
            )
        return before

    def _compared(self, store: Store, before: Content) -> Compared:
        try:
            self.back = store.content()
        except CouldNotLook as why:
            # It could be read before the restore: that it can't now is what the restore came to.
            found = Compared()
            found.add(Difference("unreadable", "all of it", "", "what was saved", why.reason, sentinel=False))
            return found
        self.found["target_after"] = self.back.fingerprint()
        return compared(
            self.was,
            self.back,
            seeded=self.seeded,
            removed=self.removed,
            before=before,
            later=self.later,
            alone=self.trip.source.scratch,
        )

    def _verify(self, place: Place, artifact: Path) -> None:
        if self.trip.backup.verify is None:
            self.found["verified"] = None
            return
        with self.trip.step("documented verification") as doing:
            ran = self.trip.verify(place, artifact)
            self.found["verified"] = ran
            doing.said, doing.ok = ran.ending, ran.ok

    # --- once more ------------------------------------------------------------------------------------------------

    def _second(self) -> tuple[Ran, Path] | None:
        """A second backup of the same data, where the source is the run's own; the first is taken away there before."""
        trip = self.trip
        if not trip.source.scratch:
            return None
        time.sleep(APART)
        with trip.step("backup once more") as doing:
            trip.take_away()
            ran, artifact = trip.back_up()
            doing.said, doing.ok = ran.ending, ran.ok
        return ran, artifact

    def _again(self, second: tuple[Ran, Path] | None, first: Path) -> None:
        """Restore the second backup into a target of its own, unless it is the first byte for byte."""
        if second is None:
            self.found["again"] = None
            return
        ran, artifact = second
        size = self.trip.taken(artifact).size if artifact.exists() else 0
        if not ran.ok or not artifact.exists():
            self.found["again"] = Again(ran, size)
            return
        if digest_of(first) == digest_of(artifact):
            self.found["again"] = Again(ran, size, same=True, content=self.back.fingerprint())
            return
        self.found["again"] = _kept(lambda: self._restored_again(ran, artifact, size))

    def _restored_again(self, ran: Ran, artifact: Path, size: int) -> Again:
        trip = self.trip
        with trip.target() as (place, _), trip.step("restore of the second backup") as doing:
            restored = trip.restore(place, artifact)
            settled = trip.settled(place)
            doing.said, doing.ok = settled.why or restored.ending, restored.ok and not settled.why
            if settled.why or not restored.ok:
                return Again(ran, size, restored=restored, content=Missing(settled.why or restored.ending))
            content = settled.store.content()
            if "target_after" not in self.found:
                return Again(ran, size, restored=restored, content=Missing("what the first restored could not be read"))
            different = compared(self.back, content, seeded=self.seeded, times=False)
            return Again(
                ran,
                size,
                restored=restored,
                content=content.fingerprint(),
                differences=tuple(different.differences),
                differing=sum(different.counts.values()),
            )

    # --- what others make of the trip -----------------------------------------------------------------------------

    def _beside(self, artifact: Path) -> None:
        trip, id = self.trip, f"{self.found['backup']}.drill"
        if trip.bench.asks("control", id) or trip.bench.asks("verification", id):
            self.found["controls"] = _kept(lambda: _part("controls").controls(trip, artifact, self.was))
        else:
            self.found["controls"] = UNASKED
        if not trip.drill.writes:
            self.found["wrote"] = None
        else:
            asked = trip.bench.asks("writing", id)
            self.found["wrote"] = _kept(lambda: _part("writing").wrote(trip)) if asked else UNASKED


def _part(name: str) -> Any:
    """A module of `seatrial.drills`.

    Raises:
        CouldNotLook: this version has none.
    """
    try:
        return importlib.import_module(f"seatrial.drills.{name}")
    except ModuleNotFoundError:
        raise CouldNotLook(f"this version has no part {name} of a drill") from None


def _kept(make: Callable[[], T]) -> T | Missing:
    """What it gives; trouble costs this part of the drill and no other, unless something could not be undone."""
    from seatrial.observe import own_trouble

    try:
        return make()
    except NotRecovered:
        raise
    except CouldNotLook as why:
        return Missing(why.reason, why.right)
    except Exception as trouble:  # noqa: BLE001 - told as an error of what needs this part
        return Missing(own_trouble(trouble))


def _told(print_: Fingerprint) -> str:
    objects = f"{print_.objects} object{'' if print_.objects == 1 else 's'}"
    return f"{objects}, {Size(print_.size)}, sha256 {print_.digest[:12]}"
