"""Specimens of what is promised of backups, of the data there is, and of what makes a backup by itself."""

from __future__ import annotations

from seatrial.facts.backups.coverage_judged import DeclaredBackup, KeptData, Saved
from seatrial.facts.backups.schedule import REBOOT, Entry, LastRun, ScheduleSeen
from seatrial.facts.backups.schedule_judged import Scheduled
from seatrial.facts.container import Container, Mount
from seatrial.words import Missing
from tests.specimens import Specimens

NOTES = "backups.notes"
DAY = 86400.0
DOCKER_DOWN = Missing("the engine does not answer", "read /var/run/docker.sock")


def declared(**changes):
    """A backup of which everything is declared."""
    return DeclaredBackup(NOTES, **changes)


# --- data -----------------------------------------------------------------------------------------------------------


def volume(name, at, **changes):
    """A named volume, as the engine and the kernel show it."""
    lies = f"/var/lib/docker/volumes/{name}/_data"
    return Mount(at, lies, "volume", True, volume=name, real=lies, **changes)


def bind(source, at):
    """A folder of the host, mounted."""
    return Mount(at, source, "bind", True, real=source)


def container(*mounts, name="shop-db-1"):
    """A container with these mounts."""
    return Container("3f2a9c", name, mounts=mounts)


ITS_OWN = (Saved(NOTES, "db"),)
REDIS = (container(volume("shop_redis", "/data"), name="shop-redis-1"),)


def data(*paths, saved=ITS_OWN, containers=None, **changes):
    """The data of the service db, in a profile with a cache and a Redis beside it."""
    kept = None if containers is None else tuple(containers)
    return KeptData("db.persistence", "db", paths, tuple(saved), ("db", "redis", "cache"), kept, **changes)


def of_redis(*holds, paths=("/data",), containers=REDIS):
    """The data of a Redis, where the one backup is that of the database."""
    saved = (Saved(NOTES, "db", holds),)
    kept = containers if isinstance(containers, Missing) or containers is None else tuple(containers)
    return KeptData("redis.persistence", "redis", paths, saved, ("db", "redis", "cache"), kept)


PGDATA = "/var/lib/postgresql/data"
ANONYMOUS = volume("6f1e0c", "/tmp/work", anonymous=True)
READ_ONLY = Mount("/seed", "/var/lib/docker/volumes/seed/_data", "volume", False, volume="seed")

BKP_024 = Specimens(
    passes=[
        data(containers=[container(volume("shop_db", PGDATA))]),
        data(PGDATA, containers=[container(volume("shop_db", PGDATA), ANONYMOUS, READ_ONLY, bind("/srv/c", "/c"))]),
        of_redis("shop_redis", paths=()),
        of_redis("redis", paths=()),
        of_redis("/var/lib/docker/volumes/shop_redis", paths=()),
        # What is declared persistent is told as that.
        of_redis(),
        data(saved=[Saved(NOTES, "api")], containers=[container(volume("shop_db", PGDATA))], excepted=True),
        # Another service saves what it shares.
        data(saved=[Saved(NOTES, "api")], containers=[container(volume("up", "/up"))], elsewhere=frozenset({"up"})),
        data(containers=[]),
    ],
    fails={
        "container shop-redis-1: volume shop_redis, at /data, is in no backup": of_redis(paths=()),
        "container shop-db-1: volume media, at /media, is in no backup": data(
            saved=[Saved(NOTES, "api", ("shop_db",))],
            containers=[container(volume("shop_db", PGDATA), volume("media", "/media"))],
        ),
        # The store that is declared says which path of this service is saved.
        "volume shop_media, at /media, is in no backup": data(
            PGDATA,
            saved=[Saved(NOTES, "db", reads=PGDATA)],
            containers=[container(volume("shop_db", PGDATA), volume("shop_media", "/media"))],
        ),
    },
    undecided={
        "the engine does not answer": of_redis(paths=(), containers=DOCKER_DOWN),
        "what is mounted was not seen: container shop-db-1: no such process": data(
            containers=[Container("3f2a9c", "shop-db-1", mounts=Missing("no such process"))]
        ),
    },
)

BKP_025 = Specimens(
    passes=[
        data(PGDATA),
        data("{env: DEMO_STORE_DIR}"),
        data("/data/", saved=[Saved(NOTES, "", ("/data",))]),
        data("/data/wal", saved=[Saved(NOTES, "", ("/data",))]),
        data("{env: DIR}", saved=[Saved(NOTES, "api", ("{env: DIR}",))]),
        data(PGDATA, saved=[Saved(NOTES, "api", ("db",))]),
        data(saved=[Saved(NOTES, "api", ("db",))]),
        data(PGDATA, saved=[Saved(NOTES, "api")], excepted=True),
        # By the volume that really lies there, and by its place on the host.
        of_redis("shop_redis"),
        of_redis("redis", paths=("/data",), containers=(container(volume("shop_redis", "/data")),)),
        of_redis("media", containers=(container(volume("shop_media", "/data")),)),
        of_redis("shop_redis", paths=("/data/appendonlydir",)),
        of_redis("/var/lib/docker/volumes"),
        of_redis("/srv/redis", containers=[container(bind("/srv/redis", "/data"))]),
        # A store that reads one path beside another one of this service, and one that reads where no declared path is known to lie.
        data("/data", saved=[Saved(NOTES, "db", reads="/data/app.db")]),
        data("/data", "/up", saved=[Saved(NOTES, "db", ("/up",), reads="/data/app.db")]),
        data("/data", "/up", saved=[Saved(NOTES, "db", reads="/mnt/elsewhere/app.db")]),
        data("/data", "/up", saved=[Saved(NOTES, "db", reads="{env: STORE}")]),
    ],
    fails={
        "redis: /data: it is in no backup (declared are backups.notes)": of_redis(),
        "db: /database: it is in no backup": data("/database", saved=[Saved(NOTES, "api", ("/data",))]),
        "db: the data of db: it is in no backup (declared are backups.notes, backups.media)": data(
            saved=[Saved(NOTES, "api"), Saved("backups.media", "media", ("/media",))]
        ),
        # The store of its only backup is a file below the other path.
        "db: /up: it is in no backup": data("/data", "/up", saved=[Saved(NOTES, "db", reads="/data/app.db")]),
        "redis: /data: it is in no backup": of_redis("shop_other"),
        "redis: /conf: it is in no backup": of_redis("/data", paths=("/data", "/conf")),
        # What is mounted is not known, but no backup names anything that it could be.
        "redis: /data: it": of_redis("cache", containers=DOCKER_DOWN),
    },
    undecided={
        "whether /data of redis is what backups hold was not seen: the engine does not answer": of_redis(
            "shop_redis", containers=DOCKER_DOWN
        ),
        "what backups hold was not seen: no such process": of_redis(
            "/srv/redis", containers=[Container("3f2a9c", "shop-redis-1", mounts=Missing("no such process"))]
        ),
    },
)

# --- what is declared -----------------------------------------------------------------------------------------------

BKP_026 = Specimens(
    passes=[declared()],
    fails={"backups.notes: nothing restores it: restore is not declared": declared(restore=False)},
)
BKP_027 = Specimens(
    passes=[declared()],
    fails={"backups.notes: it is never restored by way of trial: drill is not declared": declared(drill=False)},
)
BKP_028 = Specimens(
    passes=[declared()],
    fails={"nothing tells a good one from a broken one: verify is not declared": declared(verify=False)},
)
BKP_029 = Specimens(
    passes=[declared()],
    fails={
        "how much may be lost is not said: rpo is not declared": declared(unstated=("rpo",)),
        "how long restoring may take is not said: rto is not declared": declared(unstated=("rto", "schedule")),
        "what makes it by itself is not said: schedule is not declared": declared(unstated=("schedule",)),
    },
)

# --- what makes it by itself ----------------------------------------------------------------------------------------

CRON = "/etc/cron.d/backup"
DAILY = Entry(f"{CRON}:3", "/usr/local/sbin/backup.sh", "30 2 * * *", "root", DAY)
NOW = 1_800_000_000.0


def made(*entries, every=DAY, rpo=DAY, **changes):
    """A backup that cron makes every night, unless said otherwise."""
    known = {"place": CRON, "longest": DAY, "alive": ""} | changes
    return Scheduled("backups.notes.schedule", ScheduleSeen(NOW, entries or (DAILY,), **known), every, rpo)


def wrong(problem, where=f"{CRON}:3", when="30 2 * * *"):
    """A backup whose one entry has something the matter with it."""
    return made(Entry(where, "backup.sh", when, "root", DAY, problem), longest=Missing("nothing runs it"))


def never(absent, place=CRON):
    """A backup that nothing makes."""
    seen = ScheduleSeen(NOW, (), place=place, absent=absent, longest=Missing("nothing runs it"), alive="")
    return Scheduled("backups.notes.schedule", seen, DAY, DAY)


def ended(ok=True, *, hours=7.0, said="backup finished", every=DAY, rpo=DAY):
    """A backup whose last run ended so."""
    return made(last=LastRun("/var/log/backup.log", NOW - hours * 3600, ok, said), every=every, rpo=rpo)


HIDDEN = Missing("/var/spool/cron/crontabs/root can't be read: Permission denied", "read it")
BKP_020 = Specimens(
    passes=[
        made(),
        made(DAILY, Entry(f"{CRON}:4", "backup.sh --full", "0 4 * * 0", "root", 7 * DAY)),
        made(
            Entry("/etc/systemd/system/backup.timer", "backup.sh", "OnCalendar=daily", longest=DAY),
            alive="no systemd runs",
        ),
    ],
    fails={
        "/etc/cron.d/backup: there is no such file": never("there is no such file"),
        "/etc/cron.d/backup: nothing in it runs `backup.sh`": never("nothing in it runs `backup.sh`"),
        "/etc/cron.d/backup:3: % ends a command in a crontab": wrong(
            "% ends a command in a crontab: the shell is given `tar -czf /b/$(date +`; write \\%"
        ),
        "cron leaves out a file of this name: backup.sh": wrong(
            "cron leaves out a file of this name: backup.sh has more"
        ),
        "/etc/systemd/system/backup.timer: it is not enabled": wrong(
            "it is not enabled: no timers.target.wants has a link to it", "/etc/systemd/system/backup.timer"
        ),
        # One that is right does not make up for one that is not.
        "its date never comes: 0 2 31 2 *": made(
            DAILY,
            Entry(
                f"{CRON}:9", "backup.sh --full", "0 2 31 2 *", "root", Missing("-"), "its date never comes: 0 2 31 2 *"
            ),
        ),
    },
    undecided={"Permission denied": Scheduled("backups.notes.schedule", ScheduleSeen(NOW, HIDDEN), DAY, DAY)},
)
BKP_021 = Specimens(
    passes=[
        made(),
        made(longest=3600.0),
        made(every=None),
        made(rpo=None, every=7 * DAY, longest=7 * DAY),
        # Nothing is promised.
        made(every=None, rpo=None, longest=31 * DAY),
    ],
    fails={
        "/etc/cron.d/backup: as much as 3d pass between two runs (30 2 * * 1-5) (expected at most 1d (every) and at most 1d (rpo))": made(
            Entry(f"{CRON}:3", "backup.sh", "30 2 * * 1-5", "root", 3 * DAY), longest=3 * DAY
        ),
        "expected at most 7d (every) and at most 1d (rpo)": made(every=7 * DAY, longest=7 * DAY),
        "at most 12h (every)": made(every=DAY / 2, rpo=None),
        "it runs when the machine starts, and at no other time": made(longest=Missing(REBOOT)),
    },
    undecided={
        "nothing runs it": never("there is no such file"),
        "names years": made(longest=Missing("`2027-*-* 2:00` names years: when it ends is not worked out")),
    },
)
BKP_022 = Specimens(
    passes=[made()],
    fails={
        "/etc/cron.d/backup: no cron runs on this machine, so that nothing starts it": made(
            alive="no cron runs on this machine"
        ),
        "no systemd runs in container shop-backup-1": made(alive="no systemd runs in container shop-backup-1"),
    },
    undecided={
        "which are not all of them": made(alive=Missing("no cron runs among those seen, which are not all of them"))
    },
)
BKP_023 = Specimens(
    passes=[
        ended(),
        ended(hours=30),
        ended(hours=24 * 8, every=7 * DAY, rpo=7 * DAY),
        ended(hours=24 * 40, every=None, rpo=None),
    ],
    fails={
        "/var/log/backup.log: the last run did not succeed: pg_dump: error: connection refused": ended(
            False, said="pg_dump: error: connection refused"
        ),
        "the last run was 3d ago: backup finished (expected one every 1d)": ended(hours=72),
        "one every 7d": ended(hours=24 * 20, every=None, rpo=7 * DAY),
        # It is too long ago, whatever it would have said.
        "the last run was 5d ago": ended(Missing("neither"), hours=120),
    },
    undecided={
        "a run seems to be under way": ended(Missing("a run seems to be under way"), hours=0.1),
        "nothing shows that it ever ran": made(
            last=Missing("there is no /var/log/backup.log: nothing shows that it ever ran")
        ),
        "schedule declares no log": made(),
    },
)
