"""Specimens of what is promised of backups, of the data there is, and of what makes a backup by itself."""

from __future__ import annotations

from seatrial.facts.backups.coverage_judged import DeclaredBackup, KeptData, Saved
from seatrial.facts.container import Container, Mount
from seatrial.words import Missing
from tests.specimens import Specimens

NOTES = "backups.notes"
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
