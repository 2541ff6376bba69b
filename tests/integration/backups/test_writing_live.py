"""Backups while a writer runs, and maintenance over data made for it: real procedures, sound and hollow, run as their user runs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.integration
KEPT = "/srv/notes"
STAGE = {"prepare": ["mkdir", "-p", KEPT, "/var/backups/notes"], "within": "20s"}
RESTORE = f'mkdir -p {KEPT} && rm -rf {KEPT}/* && tar -xzpf "$1" -C {KEPT}\n'
# A snapshot is made before it is packed: the writer replaces its files, so that what a second name leads to does not change.
SOUND = f"""set -euo pipefail
numbers() {{ ls -i "$1/seatrial-writer" 2>/dev/null || true; }}
rm -rf /srv/still && cp -al {KEPT} /srv/still
tries=0
until before=$(numbers {KEPT}); rm -rf /srv/still/seatrial-writer
  [ -z "$before" ] || {{ cp -al {KEPT}/seatrial-writer /srv/still/ 2>/dev/null && [ "$before" = "$(numbers /srv/still)" ] &&
    [ "$before" = "$(numbers {KEPT})" ]; }}; do
  tries=$((tries + 1)); [ $tries -lt 500 ] || {{ echo "it never stood still" >&2; exit 1; }}
done
tar -czpf "$BACKUP_DIR/notes-$(date +%s%N).tar.gz" -C /srv/still .
sleep 0.5
rm -rf /srv/still
"""
# File by file, as a slow disk or a network would have it.
TORN = f"""set -e
mkdir -p /tmp/copy && cd {KEPT}
find . -type d -exec mkdir -p /tmp/copy/{{}} \\;
find . -name 'seatrial-writer*' -prune -o ! -type d -print0 | xargs -0 -I{{}} cp -a {{}} /tmp/copy/{{}}
if [ -d seatrial-writer ]; then mkdir -p /tmp/copy/seatrial-writer
  for n in 0 1 2 3; do cp -a seatrial-writer/$n /tmp/copy/seatrial-writer/ 2>/dev/null || true; sleep 0.2; done; fi
tar -czpf "$BACKUP_DIR/notes-$(date +%s%N).tar.gz" -C /tmp/copy .
rm -rf /tmp/copy
"""
# What was snapshot the first time is packed each time.
STALE = f"""set -e
[ -d /var/lib/snapshot ] || cp -a {KEPT} /var/lib/snapshot
sleep 0.3
tar -czpf "$BACKUP_DIR/notes-$(date +%s%N).tar.gz" -C /var/lib/snapshot .
"""
# Gives up as soon as anything is written.
SHY = (
    SOUND
    + f'find {KEPT}/seatrial-writer -newermt "-2 seconds" 2>/dev/null | grep -q . && {{ echo "somebody writes" >&2; exit 1; }} || true\n'
)


# Nobody writes while it copies, and copying takes its time.
LOCKING = """set -e
python3 - <<'E'
import os, shutil, sqlite3, time
live = sqlite3.connect("/srv/notes/notes.db", isolation_level=None)
live.execute("BEGIN EXCLUSIVE")
time.sleep(7)
shutil.copy("/srv/notes/notes.db", os.environ["BACKUP_DIR"] + "/notes.db")
live.execute("COMMIT")
E
"""
SQLITE = {
    "restore": 'set -e\nrm -f /srv/notes/notes.db*\ncp "$1" /srv/notes/notes.db\n',
    "files": {"path": "/var/backups/notes", "match": "*.db"},
    "store": {"sqlite": {"path": "/srv/notes/notes.db"}},
}


def run(
    folder: Path,
    backup: str,
    maintenance: dict[str, Any] | None = None,
    restore: str = "set -e\n" + RESTORE,
    **more: Any,
) -> dict[tuple[str, str], dict[str, Any]]:
    """The results of a gate on a profile with one backup, by id and subject."""
    (folder / "backup.sh").write_text(backup)
    (folder / "restore.sh").write_text(restore)
    told: dict[str, Any] = {
        "profile": "notes", "environment": "test", "target": {"driver": "process"}, "services": {},
        "backups": {
            "notes": {
                "command": {"script": "backup.sh", "interpreter": "bash"},
                "restore": {"script": "restore.sh", "interpreter": "bash", "arguments": [{"env": "BACKUP_FILE"}]},
                "files": {"path": "/var/backups/notes", "match": "*.tar.gz"},
                "store": {"files": {"path": KEPT}},
                "drill": {"source": STAGE, "target": STAGE, "seed": "300KiB"},
                **more,
            }
        },
    }  # fmt: skip
    if maintenance:
        for name, (text, more) in maintenance.items():
            (folder / f"{name}.sh").write_text(text)
            script = {"script": f"{name}.sh", "interpreter": "bash"}
            told.setdefault("maintenance", {})[name] = {"command": script, "over": "notes", **more}
    (folder / "notes.yaml").write_text(json.dumps(told))
    names = "under_writes or lets_others_write" if maintenance is None else "maintenance or cleanup or maintained"
    done = subprocess.run(
        [sys.executable, "-m", "seatrial", "gate", "./notes.yaml", "-k", names, "-p", "no:cacheprovider"],
        cwd=folder, capture_output=True, text=True, timeout=240,
        env=os.environ | {"NO_COLOR": "1", "SEATRIAL_STATE": str(folder / "state")},
    )  # fmt: skip
    (report,) = folder.glob("reports/*/conformance.json")
    results = {(one["id"], one["subject"]): one for one in json.loads(report.read_text())["results"]}
    assert results, done.stdout + done.stderr
    return results


def told(results, id, subject="backups.notes.drill"):
    one = results[id, subject]
    return f"{one['outcome']}: {one['seen'] or one['reason']}"


def red(results):
    return sorted(id for (id, _), one in results.items() if one["outcome"] in ("violation", "advisory", "error"))


def test_a_snapshot_is_of_one_moment(tmp_path):
    results = run(tmp_path, SOUND)
    assert red(results) == [], results
    assert {id for id, _ in results} == {"BKP-060", "BKP-061", "BKP-062", "BKP-067"}


@pytest.mark.parametrize(
    ("backup", "id", "text"),
    [
        (TORN, "BKP-060", "what came back never was"),
        (STALE, "BKP-061", "the newest write that came back is 0"),
        (SHY, "BKP-062", "ended with 1: somebody writes"),
    ],
    ids=["torn", "stale", "shy"],
)
def test_a_hollow_one_is_told(tmp_path, backup, id, text):
    results = run(tmp_path, backup)
    assert red(results) == [id], results
    assert text in told(results, id)


def test_a_backup_that_keeps_others_waiting_is_told(tmp_path):
    results = run(tmp_path, LOCKING, **SQLITE)
    assert red(results) == ["BKP-067"], results
    assert told(results, "BKP-067").startswith("advisory: ")
    assert "while the backup was made" in told(results, "BKP-067")


OLDEST = f"find {KEPT} -mtime +30 -delete\n"
TIDY = f"find {KEPT} -type f -mtime +30 -delete\n"
NEEDLESS = "find /srv/nowhere-in-particular -mtime +30 -delete 2>/dev/null || true\n"
SCORCHED = f"rm -rf {KEPT}\n"
MAINTENANCE = {
    "oldest": (OLDEST, {}), "tidy": (TIDY, {"older": "30d"}), "needless": (NEEDLESS, {"older": "30d"}),
    "failing": (f"touch {KEPT}/a; no-such-program-of-ours --force\n", {}), "refused": ("echo no >&2; exit 3\n", {}), "scorched": (SCORCHED, {"older": "30d"}),
}  # fmt: skip


@pytest.fixture(scope="module")
def maintained(tmp_path_factory):
    return run(tmp_path_factory.mktemp("maintained"), SOUND, MAINTENANCE)


def test_what_is_old_and_may_go_goes_and_the_rest_stays(maintained):
    assert [
        id for (id, subject), one in maintained.items() if subject == "maintenance.tidy" and one["outcome"] != "pass"
    ] == []


def test_a_cleanup_by_age_alone_takes_what_must_stay(maintained):
    assert "it was removed" in told(maintained, "BKP-063", "maintenance.oldest")
    assert told(maintained, "BKP-064", "maintenance.needless").startswith("advisory: ")
    assert "objects that are older was removed" in told(maintained, "BKP-064", "maintenance.needless")
    assert "ended with 3: no" in told(maintained, "BKP-065", "maintenance.refused")
    assert told(maintained, "BKP-066", "maintenance.scorched").startswith("violation: ")


def test_a_program_that_is_missing_is_no_verdict(maintained):
    assert told(maintained, "BKP-065", "maintenance.failing") == (
        "error: maintenance.failing, in scratch folder (maintenance): no-such-program-of-ours is not there, so that it was not run to its end"
    )
