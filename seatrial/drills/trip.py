"""One drill while it is made: its source, fresh targets, the backup that is carried between them, and its clock."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seatrial.drills import artifacts, hostile, taking
from seatrial.drills.stores import declared, open_store
from seatrial.facts.backups.drill import Ran, Step, Taken
from seatrial.words import CouldNotLook

if TYPE_CHECKING:
    from seatrial.drills.place import Place
    from seatrial.drills.stores import Store
    from seatrial.drivers import Session
    from seatrial.profile.backing import Backup, Drill, Stage

__all__ = ["Doing", "Settled", "Trip"]

AGAIN = 0.25
"""Seconds between two questions whether a target can be used."""


@dataclass(slots=True)
class Doing:
    """One step while it is done: what it came to is set by whoever does it."""

    said: str = ""
    ok: bool = True


@dataclass(frozen=True, slots=True)
class Settled:
    """Whether a target can be used after a restore."""

    store: Store
    """Opened anew: what was restored may be another server."""
    seconds: float
    why: str = ""
    """Why it can't, when time is up; empty when it can."""


@dataclass(slots=True)
class Trip:
    """One drill. Whoever makes a control or a writer gets one, and does everything by it."""

    session: Session
    bench: Any
    """What has ``disturber`` and ``hands``: `experiments._bench.Bench`."""
    backup: Backup
    name: str
    source: Place
    store: Store
    """Of the source."""
    scratch: Path
    """A folder of the run's own, where artifacts are."""
    began: float = field(default_factory=time.monotonic)
    steps: list[Step] = field(default_factory=list)
    notes: dict[str, str] = field(default_factory=dict)
    known: str = ""
    """Name of the backup that was made last."""
    _put: dict[int, list[str]] = field(default_factory=dict)
    _made: int = 0
    _left: list[tuple[Place, str]] = field(default_factory=list)
    _kept_others: bool = True
    """Whether all that lay there before the last backup was there after it, as it was."""
    _began: dict[Path, float] = field(default_factory=dict)

    @property
    def drill(self) -> Drill:
        """As it is declared."""
        return self.backup.drill  # type: ignore[return-value]

    @property
    def now(self) -> float:
        """Seconds since it began."""
        return round(time.monotonic() - self.began, 3)

    @contextmanager
    def step(self, what: str) -> Iterator[Doing]:
        """Note a step, with its time, however it ends."""
        at, doing = self.now, Doing()
        try:
            yield doing
        except CouldNotLook as why:
            doing.ok, doing.said = False, doing.said or why.reason
            raise
        except BaseException:
            doing.ok = False
            raise
        finally:
            self.steps.append(Step(at, what, round(self.now - at, 3), doing.said, doing.ok))

    # --- places ---------------------------------------------------------------------------------------------------

    @contextmanager
    def target(self, role: str = "target") -> Iterator[tuple[Place, Store]]:
        """A fresh target: a scratch place that is ready, and its store; gone at the end."""
        with self._staged(self.drill.target, role) as place:
            store = self.opened(place)
            if not self.source.scratch:
                # A scratch folder shows the machine's files, and with them what was just written to the deployment.
                with contextlib.suppress(CouldNotLook):
                    if store.identity() != self.store.identity():
                        store.unseed()
            yield place, store

    @contextmanager
    def sourced(self, role: str = "source") -> Iterator[tuple[Place, Store]]:
        """A fresh source, with nothing in it; the deployment itself where no stage is declared for it."""
        if self.drill.source is None:
            yield self.source, self.store
            return
        with self._staged(self.drill.source, role) as place:
            store = open_store(place, declared(self.backup, self.drill.source))
            store.ready()
            yield place, store

    @contextmanager
    def _staged(self, stage: Stage, role: str) -> Iterator[Place]:
        from seatrial.drills.places import staged

        with contextlib.ExitStack() as stack:
            with self.step(f"make a {role}") as doing:
                place = stack.enter_context(
                    staged(self.session, self.bench.disturber, self.bench.hands, stage, role=role)
                )
                doing.said = place.name
            yield place

    def opened(self, place: Place) -> Store:
        """The store of a target, opened anew."""
        return open_store(place, declared(self.backup, self.drill.target))

    def settled(self, place: Place, *, since: float | None = None) -> Settled:
        """Wait until a target can be used, as its stage declares it, and its store can be read.

        Args:
            place: the target.
            since: `now` when its restore began.
        """
        begin = self.now if since is None else since
        end = self.now + self.drill.target.within.seconds
        while True:
            why = self._unready(place)
            if isinstance(why, str) and self.now >= end:
                return Settled(self.opened(place), round(self.now - begin, 3), why)
            if not isinstance(why, str):
                return Settled(why, round(self.now - begin, 3))
            time.sleep(AGAIN)

    def _unready(self, place: Place) -> str | Store:
        """Its store, or why it can't be used now."""
        stage = self.drill.target
        try:
            if stage.ready is not None:
                ran = place.procedure(stage.ready, what="drill.target.ready", within=stage.within.seconds)
                if not ran.ok:
                    return f"drill.target.ready {ran.ending}" + (f": {ran.last_words}" if ran.last_words else "")
            store = self.opened(place)
            store.ready()
        except CouldNotLook as why:
            return why.reason
        return store

    # --- procedures -----------------------------------------------------------------------------------------------

    def folder(self, place: Place) -> str:
        """BACKUP_DIR of a place."""
        return artifacts.folder_of(place, self.backup.files, self.name)

    def lies(self, place: Place) -> Place:
        """Where backups lie that are made in a place: for the deployment it may be the container of a service."""
        service = self.backup.files.service if self.backup.files is not None else None
        if place.scratch or not service or self.session.profile.target.driver != "docker":
            return place
        from seatrial.drills.places import deployment

        return deployment(self.session, self.bench.hands, service)

    def back_up(self, place: Place | None = None) -> tuple[Ran, Path]:
        """Run the backup procedure, and fetch what is new then. There is nothing at that path where it left nothing."""
        place = place or self.source
        folder, lies = self.folder(place), self.lies(place)
        if place.scratch and not artifacts.one_file(self.backup.files):
            self._folder(place, folder)
        before, began = artifacts.lying(lies, folder), time.time()
        ran = place.procedure(
            self.backup.command, what=f"backups.{self.name}.command", environment={"BACKUP_DIR": folder}
        )
        now = artifacts.lying(lies, folder)
        self._made += 1
        to = self.scratch / str(self._made) / (os.path.basename(folder) or "backup")
        to.parent.mkdir(parents=True)
        names = now.new_since(before)
        self._left = [(lies, f"{folder}/{each}" if each else folder) for each in names]
        self._kept_others = before.besides() <= now.besides()
        self._began[to] = began
        if why := hostile.unfit(folder, now.entries, names):
            raise CouldNotLook(f"{why}; nothing of it was carried")
        if names:
            artifacts.fetched(lies, now, names, before, to)
            self.known = artifacts.newest(names, self.backup.files)
        return ran, to

    def taken(self, artifact: Path) -> Taken:
        """What a backup is that was made by this trip."""
        return taking.taken(artifact, self.known)

    def started(self, artifact: Path) -> float:
        """When the procedure that made a backup was started, in seconds since the epoch."""
        return self._began[artifact]

    def laid(self, place: Place) -> tuple[str, ...]:
        """What of a backup was laid in a place last."""
        return tuple(self._put.get(id(place), ()))

    def take_away(self) -> None:
        """Remove the backup that was made last from where it was made: it holds what was written for the drill.

        In the deployment it stays where the procedure took away or changed what lay there: it may be the only one now.
        """
        left, self._left = self._left, []
        for place, path in left:
            if place.scratch or self._kept_others:
                place.remove(path)
            else:
                self.notes["left"] = f"{path} of {place.name} was made by this drill, and holds what was written for it"

    def restore(
        self, place: Place, artifact: Path, environment: Mapping[str, str] | None = None, within: float | None = None
    ) -> Ran:
        """Lay a backup where it belongs in a place, and run the restore procedure there."""
        node = self.backup.restore
        if node is None:
            raise CouldNotLook(
                f"backups.{self.name} declares no procedure that restores it", right=f"backups.{self.name}.restore"
            )
        given = self._laid(place, artifact)
        return place.procedure(
            node, what=f"backups.{self.name}.restore", environment={**given, **(environment or {})}, within=within
        )

    def verify(self, place: Place, artifact: Path) -> Ran:
        """Lay a backup where it belongs in a place, and run the documented verification there."""
        node = self.backup.verify
        if node is None:
            raise CouldNotLook(f"backups.{self.name} declares no verification", right=f"backups.{self.name}.verify")
        return place.procedure(node, what=f"backups.{self.name}.verify", environment=self._laid(place, artifact))

    def _laid(self, place: Place, artifact: Path) -> dict[str, str]:
        """Lay a backup in a scratch place, in place of the one before; what its procedures are told of it."""
        folder = self.folder(place)
        if not place.scratch:
            raise CouldNotLook(f"nothing is restored into {place.name}")
        for path in self._put.pop(id(place), []):
            place.remove(path)
        if artifact.is_dir() and not artifact.is_symlink():
            self._folder(place, folder)
            laid = sorted(os.listdir(artifact))
            self._put[id(place)] = [f"{folder}/{name}" for name in laid]
            for name in laid:
                place.put(artifact / name, f"{folder}/{name}")
            # What a control took away is still asked for by its name.
            name = artifacts.newest(laid, self.backup.files) or (self.known if self.known not in laid else "")
            return {"BACKUP_DIR": folder, "BACKUP_FILE": f"{folder}/{name}" if name else folder}
        if artifact.exists():
            self._put[id(place)] = [folder]
            place.put(artifact, folder)
            return {"BACKUP_DIR": os.path.dirname(folder), "BACKUP_FILE": folder}
        return {"BACKUP_DIR": folder, "BACKUP_FILE": f"{folder}/{self.known}" if self.known else folder}

    def _folder(self, place: Place, path: str) -> None:
        """Make a folder where there is none."""
        if not place.entries(path):
            empty = self.scratch / "empty"
            empty.mkdir(exist_ok=True)
            place.put(empty, path)
