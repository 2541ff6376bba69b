"""The grammar of backups: how data is saved and brought back, what that leaves, and where it is tried without harm."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, Tag

from seatrial.profile.behaviour import Canary
from seatrial.profile.nodes import (
    Absent,
    Node,
    PathOrReference,
    PortOrReference,
    SecretReference,
    TextOrReference,
)
from seatrial.profile.scalars import (
    OR_LIST,
    OR_NONE,
    Bool,
    Count,
    DurationField,
    ExistingPath,
    Name,
    Positive,
    RatioField,
    SizeField,
    Text,
)
from seatrial.words import Duration, Ratio, Size

__all__ = [
    "Backup", "BackupFiles", "Bucket", "BucketStore", "CommandStore", "Copy", "Drill", "FilesStore", "HttpStore", "Keep", "Maintenance",
    "PostgresStore", "Procedure", "PythonStore", "RedisStore", "Schedule", "SqliteStore", "Stage", "Start", "Store",
]  # fmt: skip


class Start(Node):
    """A stack that the run itself starts, as a child process, and stops on any exit."""

    command: list[Text]
    """Program and arguments. It prints NAME=value lines (for `{env: NAME}`), then an empty line when it is up, and
    stops when its standard input closes."""
    within: DurationField = Duration(30)
    """How long it may take to come up."""


class Script(Node):
    """A documented procedure: a script, run as it is written."""

    script: ExistingPath
    """File with it, relative to the profile."""
    interpreter: Text | None = None
    """What runs it (`bash`, `python3`), where its first line does not say so."""
    arguments: list[TextOrReference] = []
    """What it is given. `{env: BACKUP_FILE}` is the backup, `{env: BACKUP_DIR}` the folder it lies in."""
    environment: dict[Text, TextOrReference] = {}
    """Variables it is given beside those of its place."""
    directory: Text | None = None
    """Folder it is run in; that of the profile, or `/` of a container, when absent."""
    service: Name | None = None
    """The service in whose container it is run, where it is run on the deployment itself."""
    user: Text | None = None
    """Who runs it, in a container."""
    within: DurationField = Duration(600)
    """How long it may take."""


Procedure = Annotated[Annotated[Script, Tag("|mapping")] | Annotated[list[Text], Tag("|list")], OR_LIST]
"""A script, or a program and its arguments."""


class Keep(Node):
    """How long backups are kept: no longer, and no shorter."""

    age: DurationField | None = Field(default=None, alias="for")
    """Each is kept for this time."""
    count: Positive | None = None
    """At least so many are there, once so many were made."""
    at_most: Positive | None = None
    """No more than so many are there."""


class Bucket(Node):
    """A bucket of an S3-compatible store."""

    url: TextOrReference
    """Address of the store, without the bucket."""
    bucket: TextOrReference
    """Name of the bucket."""
    prefix: Text = ""
    """What the names of its objects begin with."""
    access_key: SecretReference | None = None
    """Id of the key; anonymous when absent."""
    secret_key: SecretReference | None = None
    """The key."""
    region: Text = "us-east-1"
    """Region it is signed for."""


class Copy(Node):
    """The copy at another site."""

    path: PathOrReference | None = None
    """Folder where it is, as it is mounted where Seatrial runs."""
    bucket: Bucket | None = None
    """Bucket it is in."""
    within: DurationField | None = None
    """After a backup was made, its copy is there within this time."""


class BackupFiles(Node):
    """What a backup leaves, and how it is to be."""

    path: PathOrReference
    """Folder they lie in, or the one file or folder that each backup replaces."""
    match: Text = "*"
    """Names of backups in that folder, with `*` and `?`."""
    service: Name | None = None
    """The service in whose container that path is; without it, it is the machine's own."""
    bucket: Bucket | None = None
    """The bucket they are in; then `path` is what their names begin with."""
    mode: Text | None = None
    """The widest mode they may have: `0600`."""
    owner: Text | None = None
    """User who owns them, by name or number."""
    min_size: SizeField | None = None
    """None is smaller."""
    shrinks: RatioField = Ratio(0.5)
    """The newest may be smaller than those before it by this share."""
    encrypted: Literal["age", "openpgp", "openssl", "any"] | None = None
    """How they are encrypted; not when absent."""
    checksum: Text | None = None
    """Name of the file with the digest of a backup, `{name}` standing for that of the backup: `{name}.sha256`."""
    keep: Keep | None = None
    """How long they are kept."""
    copies: list[Copy] = []
    """Copies at other sites."""


class Schedule(Node):
    """When a backup is made by itself, and how it is known that it was."""

    every: DurationField | None = None
    """How often at least."""
    crontab: PathOrReference | None = None
    """File of cron that has its line."""
    timer: PathOrReference | None = None
    """Unit file of the systemd timer, as it is installed."""
    service: Name | None = None
    """The service that makes it, where that is a container."""
    runs: Text | None = None
    """Text that the line or the unit's ExecStart must hold; the program of `command` when absent."""
    log: PathOrReference | None = None
    """File that each run writes to."""
    success: Text | None = None
    """Text that the last line of a run that succeeded holds."""
    failure: Text | None = None
    """Text that a line of a run that failed holds."""


class RedisStore(Node):
    """A Redis: its keys."""

    port: PortOrReference = 6379
    """Port."""
    user: Text | None = None
    """User of its ACL."""
    password: SecretReference | None = None
    """Password."""
    database: Count | None = None
    """Which database; all of them, with the server's functions and users, when absent."""


class PostgresStore(Node):
    """A PostgreSQL: the tables of one database."""

    port: PortOrReference = 5432
    """Port."""
    user: TextOrReference = "postgres"
    """User."""
    password: SecretReference | None = None
    """Password."""
    database: TextOrReference = "postgres"
    """Database."""


class SqliteStore(Node):
    """A file of SQLite: its tables."""

    path: PathOrReference
    """The file."""


class FilesStore(Node):
    """A folder: files, folders and links below it."""

    path: PathOrReference
    """The folder."""


class BucketStore(Bucket):
    """A bucket of an S3-compatible store: its objects."""


class HttpStore(Node):
    """What a service keeps, through calls of its own. In each, the text of `sentinel` stands for one object's name."""

    url: TextOrReference
    """Address of the service."""
    sentinel: Text = "seatrial"
    """What stands for an object's name in paths, bodies and expectations."""
    write: Canary
    """Writes an object."""
    read: Canary
    """Reads one; its body is what is compared."""
    remove: Canary | None = None
    """Removes one."""
    listing: Canary | None = None
    """Lists them all."""
    names: Text | None = None
    """JMESPath of the names in what `listing` answers."""


class PythonStore(Node):
    """What a library keeps in a process of its own: a module with `write(name, text)`, `read(name)`, `names()` and `remove(name)`."""

    interpreter: TextOrReference
    """Path of the Python that has the library."""
    module: ExistingPath
    """File of that module, relative to the profile."""


class CommandStore(Node):
    """What is kept, through commands. Each is given the name of an object as NAME."""

    write: list[Text]
    """Writes what comes on its standard input."""
    read: list[Text]
    """Prints an object, and fails when it is not there."""
    names: list[Text] | None = None
    """Prints the names of all objects, one a line."""
    remove: list[Text] | None = None
    """Removes an object."""


class Store(Node):
    """What is saved, and how it is read: exactly one of these."""

    redis: RedisStore | None = None
    """A Redis."""
    postgres: PostgresStore | None = None
    """A PostgreSQL database."""
    sqlite: SqliteStore | None = None
    """A file of SQLite."""
    files: FilesStore | None = None
    """A folder."""
    bucket: BucketStore | None = None
    """A bucket."""
    http: HttpStore | None = None
    """A service, through its own calls."""
    python: PythonStore | None = None
    """A library, in a process of its own."""
    command: CommandStore | None = None
    """Anything else, through commands."""


class Stage(Node):
    """A scratch place of the run's own, with nothing of the deployment in it, and gone when the run ends."""

    image: Text | None = None
    """Image of the container that is made for it; without it, it is a folder, and commands are children of the run."""
    init: Bool = False
    """True when the image starts an init system, which is given what systemd needs in a container."""
    command: list[Text] | None = None
    """What the container runs; its image's own command when absent."""
    start: Start | None = None
    """The stack that is started in the folder, and announces where it is."""
    files: dict[Text, ExistingPath] = {}
    """Files that are put there first, by their place in it."""
    environment: dict[Text, TextOrReference] = {}
    """Variables that its commands are given. `{env: SCRATCH_DIR}` is its own folder."""
    prepare: Procedure | None = None
    """Run first, once."""
    ready: Procedure | None = None
    """Ends with 0 once what it holds can be used; tried again until then."""
    within: DurationField = Duration(60)
    """How long that may take."""
    size: SizeField = Size(2 * 1024**3)
    """Bytes that may be written there."""
    store: Store | None = None
    """How what it holds is read, where that differs from the backup's `store`."""


class Drill(Node):
    """The round trip: where it is made, and with how much."""

    source: Stage | None = None
    """Where what is saved is; the deployment itself when absent."""
    target: Stage
    """Where it is brought back to: never the deployment."""
    seed: SizeField = Size(1024**2)
    """How much is written before, at least."""
    writes: Bool = True
    """True when backups are made while others write."""
    wrong_key: dict[Text, TextOrReference] = {}
    """Variables that make `restore` use a wrong key."""
    other_version: ExistingPath | None = None
    """A backup of another version, which must be refused or restored whole."""
    gone: Procedure | None = None
    """Makes what is saved unreachable, in a stage of its own; `command` must then fail."""


class Backup(Node):
    """One backup, and how it is restored."""

    service: Text | None = None
    """Whose data."""
    holds: list[TextOrReference] = []
    """What else is in it: volumes, paths as services declare them, and services with all that they keep."""
    command: Procedure
    """Makes it. It is given BACKUP_DIR in its environment."""
    restore: Procedure | None = None
    """Restores it. It is given BACKUP_DIR and BACKUP_FILE."""
    verify: Procedure | None = None
    """The documented verification. It is given BACKUP_DIR and BACKUP_FILE."""
    files: BackupFiles | None = None
    """What it leaves."""
    schedule: Annotated[Annotated[Schedule, Tag("|mapping")] | Absent, OR_NONE] | None = None
    """When it is made by itself."""
    store: Store | None = None
    """What is saved, and how it is read."""
    drill: Annotated[Annotated[Drill, Tag("|mapping")] | Absent, OR_NONE] | None = None
    """Where the round trip is made."""
    rpo: DurationField | None = None
    """How old the newest may be."""
    rto: DurationField | None = None
    """How long restoring may take."""


class Maintenance(Node):
    """A maintenance command and its schedule."""

    command: Procedure
    """What is run."""
    every: DurationField | None = None
    """How often."""
    over: Name | None = None
    """The backup in whose drill it is run, over data that was made for that."""
    older: DurationField | None = None
    """What is older than this may be removed; nothing may, when absent."""
