"""Round trips of a folder saved by tar, with procedures that are good and with ones that are not, in scratch places."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import pytest

from seatrial.drills.trip import Trip
from seatrial.experiments import expected
from seatrial.profile.loading import load
from seatrial.profile.subjects import NOUNS
from tests.integration.backups.roundtrip_lab import IDS, Trips, profile

BACKUP = """\
#!/bin/bash
set -euo pipefail
umask 077
name=notes-$(date +%Y%m%d-%H%M%S).tar.gz
tar -C /srv/notes -czf "/var/backups/notes/.$name" .
mv "/var/backups/notes/.$name" "/var/backups/notes/$name"
"""
RESTORE = """\
#!/bin/bash
set -euo pipefail
tar -C /srv/notes -xpzf "$BACKUP_FILE"
"""
GOOD = {"command": BACKUP, "restore": RESTORE}


def changed(key, old, new=""):
    """The procedures, one of them changed."""
    assert old in GOOD[key]
    return {**GOOD, key: GOOD[key].replace(old, new)}


def after(key, line):
    """The procedures, one of them with a line at its end."""
    return {**GOOD, key: f"{GOOD[key]}{line}\n"}


@pytest.fixture(scope="module")
def good(tmp_path_factory) -> Trips:
    """A drill in which all is well."""
    return Trips.made(profile(tmp_path_factory.mktemp("good"), GOOD))


def test_a_good_backup_keeps_every_requirement(good):
    assert (good.of("pass"), good.told) == (IDS, []), good.texts
    assert [step.what for step in good.drill.steps] == [
        "seed", "fingerprint of the source", "backup", "fingerprint of the source again", "backup once more", "make a target",
        "fingerprint of the target", "restore", "ready", "compare", "make a target", "restore of the second backup",
    ]  # fmt: skip
    assert good.drill.compared > 70
    assert good.drill.source_before == good.drill.target_after


def test_a_replay_says_the_same(good, tmp_path):
    assert good.again(tmp_path).outcomes == good.outcomes


WAYS = {
    "fails": (changed("command", "umask 077", "exit 3"), {}, "BKP-030", "ended with 3"),
    "leaves nothing": ({**GOOD, "command": "#!/bin/bash\ntar -C /srv/notes -cz . > /dev/null\n"}, {}, "BKP-030", "left no new backup"),
    "goes on after a failure": (
        {**GOOD, "command": BACKUP.replace("set -euo pipefail", "cp /srv/notes/is-not-there /var/tmp/")}, {}, "BKP-031",
        "`cp /srv/notes/is-not-there /var/tmp/` ended with 1, and the procedure reported success all the same",
    ),
    "restore fails": (after("restore", "exit 4"), {}, "BKP-033", "ended with 4"),
    "restore goes on after a failure": (
        {**GOOD, "restore": RESTORE.replace("set -euo pipefail", "chown nobody-here /srv/notes")}, {}, "BKP-034",
        "`chown nobody-here /srv/notes` ended with 1",
    ),
    "not ready": (
        GOOD,
        {"drill_target": {
            "prepare": ["mkdir", "-p", "/srv/notes", "/var/backups/notes"], "within": "2s",
            "ready": ["test", "!", "-e", "/srv/notes/seatrial-plain.txt"],
        }},
        "BKP-035", "can't be used 2s after the restore reported success: drill.target.ready ended with 1",
    ),
    "restores nothing": (
        {**GOOD, "restore": "#!/bin/bash\ntar -tzf $BACKUP_FILE > /dev/null\necho restored\n"}, {}, "BKP-036",
        "the restore reported success while it restored nothing: 0 of ",
    ),
    "saves an empty folder": (
        changed("command", "-C /srv/notes", "-C /srv/notes --exclude='./*' --exclude='./.*'"), {}, "BKP-036",
        "the restore reported success while it restored nothing",
    ),
    "forgets what begins with a dot": (
        {**GOOD, "command": BACKUP.replace("tar -C /srv/notes", "cd /srv/notes; tar").replace("name\" .", "name\" *")}, {}, "BKP-036",
        ".seatrial-hidden (a file whose name begins with a dot): not there",
    ),
    "forgets logs": (
        changed("command", "tar ", "tar --exclude=*.log "), {}, "BKP-036", "(a file whose name ends with .log): not there",
    ),
    "takes what is new alone": (
        changed("command", "tar ", "tar --newer-mtime='1 day ago' "), {}, "BKP-036", "(a file changed forty days ago): not there",
    ),
    "cuts files short": (
        after("restore", "truncate -s 5 /srv/notes/seatrial-plain.txt; touch -d @0 /srv/notes/seatrial-plain.txt"), {}, "BKP-036",
        "seatrial-plain.txt (a text file): came back shorter: 5 bytes",
    ),
    "changes content": (
        after("restore", "sed -i s/test/TEST/ /srv/notes/seatrial-plain.txt"), {}, "BKP-037",
        "seatrial-plain.txt (a text file): came back changed",
    ),
    "brings more": (
        after("restore", "echo other > /srv/notes/other.txt"), {}, "BKP-038", "there, and was not at the source: 6 bytes",
    ),
    "brings back what was removed": (
        after("restore", "echo removed > /srv/notes/seatrial-removed.txt"), {}, "BKP-039",
        "seatrial-removed.txt (file): it is there again",
    ),
    "changes modes": (
        after("restore", "chmod -R a+r /srv/notes"), {}, "BKP-040", "(a file that only its owner may read): came back with mode 0644",
    ),
    "changes the source": (
        changed("command", "umask 077", "umask 077; echo done > /srv/notes/last-backup.txt"), {}, "BKP-041", "is new after the backup",
    ),
    "leaves an open copy": (
        changed("command", "umask 077", "mkdir -p /tmp/notes-copy && cp -a /srv/notes /tmp/notes-copy/; umask 077"), {}, "BKP-042",
        "/tmp/notes-copy: a folder of ",
    ),
    "leaves an open archive": (
        changed("restore", "tar", "cp $BACKUP_FILE /var/tmp/restore.tar.gz; chmod 644 /var/tmp/restore.tar.gz; tar"), {}, "BKP-042",
        "/var/tmp/restore.tar.gz: a file of ",
    ),
    "takes longer than the RPO": (
        changed("command", "umask 077", "umask 077; sleep 1.2"), {"rpo": "1s", "schedule": None}, "BKP-043", "so that up to 1.",
    ),
    "takes longer than the RTO": (changed("restore", "tar", "sleep 1.2; tar"), {"rto": "1s"}, "BKP-044", "after the restore began (1"),
    "does not work a second time": (
        changed("command", "umask 077", "umask 077; mkdir /var/lib/notes-state"), {}, "BKP-045", "File exists",
    ),
    "saves less a second time": (
        changed("command", "tar ", "tar --listed-incremental=/var/lib/notes.snar "), {}, "BKP-045", "objects are not as the first",
    ),
    "forgets times": (changed("restore", "-xpzf", "-xmpzf"), {}, "BKP-046", "came back with changed "),
    "leaves a private copy": (
        changed("command", "umask 077", "umask 077; cp -a /srv/notes /tmp/notes-copy; chmod 700 /tmp/notes-copy"), {}, "BKP-047",
        "/tmp/notes-copy: a folder of ",
    ),
}  # fmt: skip


SOUND = {
    "rotation, checksum, link to the newest, log": (
        {
            "command": BACKUP
            + """cd /var/backups/notes
sha256sum "$name" > "$name.sha256"
ln -sfn "$name" latest.tar.gz
find . -name 'notes-*.tar.gz' -mtime +30 -delete
ls -t notes-*.tar.gz | tail -n +15 | xargs -r rm --
echo "$(date -Is) saved $(tar -tf "$name" | wc -l) files" >> /var/log/notes-backup.log
""",
            "restore": """#!/bin/bash
set -euo pipefail
cd /var/backups/notes
sha256sum --check --quiet notes-*.sha256
tar -C /srv/notes -xpzf "$(ls -t notes-*.tar.gz | head -1)"
""",
        },
        {"files": {"path": "/var/backups/notes", "match": "*.tar.gz", "checksum": "{name}.sha256"}},
    ),
    "a mirror, in a folder of its day": (
        {
            "command": "set -e\nd=$BACKUP_DIR/$(date +%F)\nmkdir $d\ncp -a /srv/notes/. $d/\n",
            "restore": "set -e\ncp -a $BACKUP_FILE/. /srv/notes/\n",
        },
        {"files": {"path": "/var/backups/notes"}},
    ),
    "a temporary folder, removed on exit; sh": (
        {
            "command": """t=$(mktemp -d); trap 'rm -rf "$t"' EXIT
set -e
cp -a /srv/notes "$t/"; tar -C "$t" -cf - notes | xz -1 > /var/backups/notes.tar.xz
""",
            "restore": "set -e\nrm -rf /srv/notes\ntar -C /srv -xpJf /var/backups/notes.tar.xz\n",
        },
        {"files": {"path": "/var/backups/notes.tar.xz"}},
    ),
    "commands that may fail": (
        {
            "command": "grep -q nothing /etc/hostname || true\nif ! test -e /srv/none; then :; fi\n" + BACKUP,
            "restore": "rm -f /srv/none\n" + RESTORE,
        },
        {},
    ),
    "a program of Python": (
        {
            "command": "set -e\npython3 - <<'E'\nimport tarfile\nwith tarfile.open('/var/backups/notes/n.tar.gz', 'w:gz') as t:\n t.add('/srv/notes', 'notes')\nE\n",
            "restore": "set -e\npython3 - <<'E'\nimport os, tarfile\nwith tarfile.open(os.environ['BACKUP_FILE']) as t:\n t.extractall('/srv')\nE\n",
        },
        {},
    ),
}  # fmt: skip


def test_sound_procedures_turn_nothing_red(tmp_path):
    files = {name: profile(tmp_path / str(at), SOUND[name][0], **SOUND[name][1]) for at, name in enumerate(SOUND)}
    made = Trips.all(files)
    assert {name: (found.red, found.of("error"), found.texts) for name, found in made.items()} == {
        name: ([], [], {}) for name in SOUND
    }


@pytest.fixture(scope="module")
def trips(request, tmp_path_factory) -> dict[str, Trips]:
    """A drill for every way that is asked for, several at a time: most of what each does is to wait."""
    wanted = [way for way in WAYS if any(f"[{way}]" in item.name for item in request.session.items)]
    folder = tmp_path_factory.mktemp("ways")
    files = {way: profile(folder / str(number), WAYS[way][0], **WAYS[way][1]) for number, way in enumerate(wanted)}
    return Trips.all(files)


@pytest.mark.parametrize("way", WAYS)
def test_each_way_turns_one_requirement_red(way, trips):
    _, _, id, text = WAYS[way]
    found = trips[way]
    assert found.red == [id], found.texts
    assert text in found.texts[id]
    assert found.told == []


def test_each_requirement_is_turned_red():
    assert {id for _, _, id, _ in WAYS.values()} | {"BKP-032"} == set(IDS)


def test_a_restore_into_the_source_is_refused(tmp_path, monkeypatch):
    """The target is the source itself: that is seen before anything is done to it."""

    @contextlib.contextmanager
    def source(trip, stage, role):
        yield trip.source

    monkeypatch.setattr(Trip, "_staged", source)
    file = profile(tmp_path, {**GOOD, "restore": "rm -rf /srv/notes/*\n"})
    found = Trips.made(file)
    assert found.red == ["BKP-032"], found.texts
    assert (
        "the store of scratch folder (source) is that of scratch folder (source); nothing was restored"
        in (found.texts["BKP-032"])
    )
    assert found.drill.source_before == found.drill.source_after
    assert [step.what for step in found.drill.steps][-1] == "backup once more"
    assert found.outcomes["BKP-036"] == "error"


class TestOnTheDeployment:
    """What is saved is this machine's: sentinels are written beside what is there, and taken away again."""

    @pytest.fixture
    def folder(self, tmp_path) -> Path:
        (tmp_path / "notes").mkdir()
        (tmp_path / "backups").mkdir()
        (tmp_path / "notes" / "diary.txt").write_text("of the users")
        (tmp_path / "backups" / "notes-20261101-000000.tar.gz").write_text("an older one")
        return tmp_path

    def made(self, folder, scripts=GOOD, **changes) -> Trips:
        scripts = {
            key: text.replace("/srv/notes", f"{folder}/notes").replace("/var/backups/notes", f"{folder}/backups")
            for key, text in scripts.items()
        }
        target = {"within": "5s", "prepare": ["mkdir", "-p", f"{folder}/notes", f"{folder}/backups"]}
        return Trips.made(
            profile(
                folder, scripts, drill_source=None, drill_target=target,
                store={"files": {"path": f"{folder}/notes"}}, files={"path": f"{folder}/backups", "match": "*.tar.gz"}, **changes,
            )
        )  # fmt: skip

    def there(self, folder):
        return sorted(
            str(each.relative_to(folder)) for sub in ("notes", "backups") for each in (folder / sub).rglob("*")
        )

    def test_a_good_backup_keeps_every_requirement_and_nothing_is_left(self, folder):
        before = self.there(folder)
        found = self.made(folder)
        # A second backup of a deployment is not made.
        assert (found.of("pass"), found.told) == ([id for id in IDS if id != "BKP-045"], []), found.texts
        assert found.drill.source == "the deployment"
        assert self.there(folder) == before
        assert found.drill.compared == len(found.drill.seeded)

    def test_a_restore_that_does_nothing_is_seen_though_the_target_shows_the_machine(self, folder):
        found = self.made(folder, {**GOOD, "restore": "echo restored\n"})
        assert found.red == ["BKP-036"], found.texts
        assert "the restore reported success while it restored nothing" in found.texts["BKP-036"]

    def test_a_restore_reaches_nothing_of_the_machine(self, folder):
        before = self.there(folder)
        found = self.made(folder, {**GOOD, "restore": f"rm -rf {folder}/notes {folder}/backups /srv; exit 1\n"})
        assert found.red == ["BKP-033"], found.texts
        assert self.there(folder) == before

    def test_a_backup_that_took_older_ones_away_stays(self, folder):
        found = self.made(folder, {**GOOD, "command": f"rm /var/backups/notes/*\n{BACKUP}"})
        assert found.red == [], found.texts
        (left,) = [each for each in self.there(folder) if each.endswith(".tar.gz")]
        assert left in found.drill.notes["left"]


def test_a_hundred_megabytes_and_more(tmp_path):
    began = time.monotonic()
    plain = {
        key: text.replace("czf", "cf").replace("xpzf", "xpf").replace(".tar.gz", ".tar") for key, text in GOOD.items()
    }
    files = {"path": "/var/backups/notes", "match": "*.tar"}
    found = Trips.made(profile(tmp_path, plain, drill_seed="105MB", files=files))
    assert found.of("pass") == IDS, found.texts
    assert found.drill.source_before.size >= 105_000_000
    print(f"{found.drill.source_before.size} bytes there and back, twice, in {time.monotonic() - began:.1f} s")


def test_the_plan_names_the_drill_its_time_and_its_tier(tmp_path):
    loaded = load(profile(tmp_path, GOOD))
    ((title, takes),) = expected(loaded.profile, NOUNS["drill"].find(loaded.profile))
    assert title == "the round trip of backups.notes (tier write): 200KiB from a scratch source into a scratch target"
    assert takes > 10
