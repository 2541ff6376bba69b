"""Specimens of backups that were made while others wrote, and of maintenance."""

from __future__ import annotations

from dataclasses import replace

from seatrial.facts.backups.drill import Difference, Drill, Failed, Fingerprint, Maintained, Ran, Wrote
from seatrial.facts.backups.maintenance_judged import Maintenance
from seatrial.facts.backups.writing_judged import Writing, state
from seatrial.words import Duration, Missing
from tests.specimens import Specimens

BACKED_UP = Ran("backup.sh", 0, 0.8)
RESTORED = Ran("restore.sh", 0, 0.5)
SIZE = 5 * 1024**2


def writing(**changes):
    """A backup of 5 MiB that took 0.8 s, with 120 writes beside it."""
    wrote = Wrote(
        **{
            "steps": 120, "before": 40, "places": 4, "restored": state(4, 61), "ran": BACKED_UP, "restore": RESTORED,
            "longest": 0.02, "longest_before": 0.01, "seconds": 0.8, "size": SIZE, **changes,
        }
    )  # fmt: skip
    return drilled(wrote)


def drilled(wrote):
    """A drill with that."""
    drill = Drill(
        "backups.notes", "files", "scratch folder", "scratch folder", "2026-11-21T10:00:00Z", 9.0, wrote=wrote
    )
    return Writing("backups.notes.drill", drill)


NO_STAGE = Missing("the container could not be made: no such image", "image")

BKP_060 = Specimens(
    passes=[writing(), writing(restored=state(4, 40)), writing(restored=state(4, 160), places=4), writing(places=1, restored=(77,))],
    fails={
        "what came back never was: it has write 61, and at that moment place 2 held write 58, but write 54 in place 2 came back": writing(
            restored=(61, 54, 59, 60)
        ),
        "3 of 4 places in all are of other moments": writing(restored=(57, 58, 99, 56)),
        "place 1 held write 57, but write 0 in place 1 came back": writing(restored=(0, 58, 59, 60)),
    },
    undecided={
        "could not be made: no such image": drilled(NO_STAGE),
        "no backup was made while others write": drilled(None),
        "over before one write was acknowledged beside it, 3 times": writing(steps=0, tries=3),
        "the target does not answer": writing(restored=Missing("the target does not answer")),
    },
)  # fmt: skip

BKP_061 = Specimens(
    passes=[writing(), writing(restored=state(4, 40))],
    fails={
        "the newest write that came back is 31 (40 writes were acknowledged before the backup began and 120 while it was made, 5MiB in 800ms)": writing(
            restored=state(4, 31)
        ),
        "the newest write that came back is 0": writing(restored=(0, 0, 0, 0)),
    },
    undecided={
        "could not be made: no such image": drilled(NO_STAGE),
        "with more data it takes longer": writing(steps=0),
    },
)

BKP_062 = Specimens(
    passes=[writing(), writing(steps=0)],
    fails={
        "ended with 1: tar: notes.db: file changed as we read it (40 writes": writing(
            ran=replace(BACKED_UP, status=1, complained="tar: notes.db: file changed as we read it\n")
        ),
        "it was not done within 600 s": writing(
            restore=replace(RESTORED, status=Missing("it was not done within 600 s"))
        ),
    },
    undecided={"could not be made: no such image": drilled(NO_STAGE)},
)

BKP_067 = Specimens(
    passes=[writing(), writing(longest=4.9), writing(longest=6.0, longest_before=5.5)],
    fails={"one write took 7.5s while the backup was made, 10ms at most before": writing(longest=7.5)},
    undecided={"could not be made: no such image": drilled(NO_STAGE)},
)

KEPT = Fingerprint("1f" * 32, 30, 4096)


def maintained(older=None, **changes):
    """A command that was run over 30 objects."""
    seen = Maintained(
        **{
            "name": "cleanup", "place": "scratch folder", "ran": Ran("cleanup.sh", 0, 0.1), "before": KEPT, "after": KEPT,
            "seeded": {"seatrial-old": "a file of 400 days"}, "aged": 3 if older else 0, "removed": 3 if older else 0, **changes,
        }
    )  # fmt: skip
    return Maintenance("maintenance.cleanup", Duration.parse(older) if older else None, seen)


def lost(number):
    """So many files that are gone."""
    return tuple(Difference("missing", f"seatrial-{n}", "a file of 400 days") for n in range(number))


CLOSED = Missing("the connection was refused")

BKP_063 = Specimens(
    passes=[maintained(), maintained("30d")],
    fails={
        "it was removed": maintained(lost=lost(1)),
        "25 objects of 30 are lost or changed; 20 of them are told": maintained(lost=lost(25)),
        "it is shorter: 0 bytes, was 12 bytes": maintained(
            "30d", lost=(Difference("shorter", "seatrial-log", "a file", "12 bytes", "0 bytes"),)
        ),
        "it has another mode 0644, was mode 0600": maintained(
            lost=(Difference("attribute", "seatrial-log", "a file", "mode 0600", "mode 0644"),)
        ),
    },
    undecided={"the connection was refused": maintained(after=CLOSED)},
)

BKP_064 = Specimens(
    passes=[maintained("30d"), maintained("30d", removed=1)],
    fails={"none of 3 objects that are older was removed": maintained("30d", removed=0)},
    undecided={
        "nothing could be made there that is older than 30d": maintained("30d", aged=0, removed=0),
        "the connection was refused": maintained("30d", after=CLOSED),
    },
)

BKP_065 = Specimens(
    passes=[maintained()],
    fails={
        "ended with 1: find: /data: No such file or directory": maintained(
            ran=Ran("cleanup.sh", 1, 0.1, complained="find: /data: No such file or directory\n")
        ),
        "`rm -r /data/tmp` ended with 1": maintained(
            ran=Ran("cleanup.sh", 0, 0.1, failed=(Failed(3, "rm -r /data/tmp", 1),))
        ),
        "it was not done within 600 s": maintained(
            ran=Ran("cleanup.sh", Missing("it was not done within 600 s"), 600.0)
        ),
    },
    undecided={
        "logrotate is not there, so that it was not run to its end": maintained(
            ran=Ran("cleanup.sh", 127, 0.1, lacking=("logrotate",))
        )
    },
)

BKP_066 = Specimens(
    passes=[maintained()],
    fails={
        "after it, it takes no write: read-only file system": maintained(
            unusable="it takes no write: read-only file system"
        ),
        "after it, it can't be read: the connection was refused": maintained(after=CLOSED),
    },
)
