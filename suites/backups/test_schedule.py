"""Whether a backup is really made by itself: installed, often enough, started by something that runs, and well the last time."""

import pytest

CRONTAB = "crontab(5)"
TIMER = "systemd.timer(5)"
CONTROL = "CIS Controls v8 11.2"


@pytest.mark.requirement("BKP-020", refs=[CRONTAB, TIMER, CONTROL], needs="schedule.crontab|schedule.timer")
def test_a_schedule_is_installed(schedule):
    """What the profile declares to make a backup by itself MUST be installed so that it is run as it is written.

    Why: cron leaves out whole files for their name, their mode or a missing newline, and ends a command at the first percent sign; a
    timer that was never enabled waits for ever. None of them says so to anybody.

    See: cat /etc/cron.d/NAME; systemctl list-timers --all; journalctl -u cron | grep -i -e error -e wrong -e insecure

    Fix: install it where cron or systemd looks, and write it as they read it; then run the very line once as that user, with
    `env -i PATH=/usr/bin:/bin sh -c '…'`.
    """
    assert schedule.uninstalled == []


@pytest.mark.requirement(
    "BKP-021",
    refs=["NIST SP 800-34 Rev. 1, 3.2 Business Impact Analysis", CRONTAB, TIMER],
    needs="schedule.crontab|schedule.timer",
)
def test_a_backup_is_made_often_enough(schedule):
    """Between two runs of a backup MUST NOT pass more time than the profile declares, as `every` or as `rpo`.

    Why: what was written since the last run is what is lost; `1-5` in the field of weekdays is three days over a weekend.

    See: grep -n -v '^#' /etc/cron.d/NAME; systemd-analyze calendar --iterations=10 'OnCalendar'

    Fix: let it run more often, or agree on a longer RPO with those whose data it is.
    """
    assert schedule.rare == []


@pytest.mark.requirement("BKP-022", refs=["cron(8)", TIMER], needs="schedule.crontab|schedule.timer")
def test_what_starts_a_backup_runs(schedule):
    """What has to start a backup that the profile declares scheduled, cron or systemd, MUST run itself.

    Why: an image with a crontab and no cron makes no backup, and a cron that ended took every job of the machine with it, silently.

    See: pgrep -a -x -e cron -e crond; docker top CONTAINER

    Fix: start it with the machine (`systemctl enable --now cron`), or as the main process of a container of its own.
    """
    assert schedule.idle == []


@pytest.mark.requirement(
    "BKP-023", refs=["Google SRE book, 26. Data Integrity", CONTROL], needs="schedule.success|schedule.failure"
)
def test_the_last_run_of_a_backup_succeeded(schedule):
    """The last run of a backup MUST have succeeded, by the log that the profile declares, no longer ago than it is to be made.

    Why: a job that fails every night leaves yesterday's files where they are, and everything looks as it did.

    See: tail -n 20 LOG

    Fix: read what it says, mend that, and run it once by hand; let something be told when it fails, and when it did not run.
    """
    assert schedule.failed == []
