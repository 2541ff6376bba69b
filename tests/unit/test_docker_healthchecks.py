"""What the docker driver keeps of a container's healthcheck: whether it was executed, and nothing that may be secret."""

from __future__ import annotations

import pytest

from seatrial.drivers._healthcheck import healthcheck, healthlog, without_secrets

OCI = 'OCI runtime exec failed: exec failed: unable to start container process: exec: "{}": {}: unknown'
CURL = "curl -f http://localhost/ || exit 1"
SECRET = "hunter2hunter2"


def log(code, output, command="", start="", end=""):
    return healthlog({"ExitCode": code, "Output": output, "Start": start, "End": end}, ("CMD-SHELL", command))


@pytest.mark.parametrize(
    ("code", "output", "command", "reason"),
    [
        (-1, OCI.format("curl", "executable file not found in $PATH"), "", "executable file not found"),
        (-1, OCI.format("/check", "permission denied"), "", "permission denied"),
        (-1, OCI.format("/check", "stat /check: no such file or directory"), "", "no such file or directory"),
        (-1, "cannot exec in a stopped container", "", "stopped"),
        (-1, "something else", "", "the engine could not start it"),
        (126, "", "", "exit code 126"),
        (126, "/bin/sh: 1: /check.sh: Permission denied", "", "permission denied"),
        (127, "", "", "exit code 127"),
        (127, "/bin/sh: 1: curl: not found\n", "", "not found"),
        (127, "timeout: failed to run command 'curl': No such file or directory", "", "no such file or directory"),
        (1, "/bin/sh: 1: curl: not found\n", CURL, "not found"),
        (1, "/bin/sh: curl: not found", CURL, "not found"),
        (1, "/bin/sh: line 1: curl: command not found", CURL, "not found"),
        (1, "zsh: command not found: curl", CURL, "not found"),
        (1, "bash: /check.sh: Permission denied", "/check.sh || exit 1", "permission denied"),
        (1, "sh: 0: Can't open /check.sh", "sh /check.sh || exit 1", "no such file"),
        (2, "/bin/sh: can't open '/check.sh': No such file or directory", "", "no such file"),
        (2, "python3: can't open file '/check.py': [Errno 2] No such file or directory", "", "no such file or directory"),
        (0, "/bin/sh: 1: curl: not found", "curl -f http://localhost/ || true", "not found"),
        (0, "/bin/sh: 1: curl: not found", "curl -f http://localhost/ | cat", "not found"),
    ],
)  # fmt: skip
def test_a_check_that_could_not_be_executed_is_told(code, output, command, reason):
    told = log(code, output, command)
    assert (told.executed, told.exit_code, told.reason) == (False, code, reason)


@pytest.mark.parametrize(
    ("code", "output", "command"),
    [
        (0, "ok", ""),
        (0, "warning: not found, but fine", ""),
        (1, "HTTP/1.1 503", ""),
        (1, "HTTP/1.1 404: not found", ""),
        (22, "curl: (22) The requested URL returned error: 404 Not Found", ""),
        (1, "cat: /tmp/ready: No such file or directory", "cat /tmp/ready"),
        (2, "/bin/sh: 1: cannot open /run/app.pid: No such file", "kill -0 $(cat < /run/app.pid)"),
        (1, "could not connect: Permission denied", ""),
        (1, "/bin/sh: 1: curl: not found\nwget: can't connect to remote host: Connection refused", "curl x || wget x"),
        (0, "/bin/sh: 1: curl: not found", "curl -f http://localhost/ || wget -q http://localhost/"),
        (1, "", ""),
    ],
)
def test_a_check_that_answered_no_was_executed(code, output, command):
    told = log(code, output, command)
    assert (told.executed, told.reason) == (True, "")


def test_a_check_that_took_too_long_was_executed():
    start, end = "2026-01-01T00:00:00.123456789Z", "2026-01-01T00:00:01.623456789+00:00"
    told = log(-1, "Health check exceeded timeout (1s): /bin/sh: 1: curl: not found", start=start, end=end)
    assert (told.executed, told.reason, told.started, told.seconds) == (True, "timed out", start, 1.5)


def test_what_a_check_printed_is_not_kept():
    assert "hunter2" not in repr(log(127, f"/bin/sh: 1: {SECRET}: not found"))


@pytest.mark.parametrize(
    "command",
    [
        ("CMD", "redis-cli", "-a", SECRET, "ping"),
        ("CMD", "redis-cli", "-a", "$" + SECRET, "ping"),
        ("CMD", "redis-cli", "AUTH", SECRET),
        ("CMD-SHELL", f"redis-cli -a {SECRET} ping"),
        ("CMD-SHELL", f"redis-cli -a '${SECRET}' ping"),
        ("CMD-SHELL", f"redis-cli -a p${SECRET} ping"),
        ("CMD-SHELL", f"redis-cli -a 'two words {SECRET}' ping"),
        ("CMD-SHELL", f"redis-cli -a two\\ words{SECRET} ping"),
        ("CMD-SHELL", f"true;redis-cli -a {SECRET}|grep PONG"),
        ("CMD-SHELL", f"PGPASSWORD={SECRET} psql -c 'select 1'"),
        ("CMD-SHELL", f"PGPASSWORD='two {SECRET}' psql -c 'select 1'"),
        ("CMD-SHELL", f"mysqladmin ping -uroot -p{SECRET}"),
        ("CMD", "mysqladmin", "ping", f"-p{SECRET}"),
        ("CMD", "mysqladmin", f"--password={SECRET}", "ping"),
        ("CMD", "mongosh", "--quiet", "-u", "root", "-p", SECRET),
        ("CMD", "sh", "-c", f"redis-cli -a {SECRET} ping"),
        ("CMD", "bash", "-ec", f"redis-cli -a {SECRET} ping"),
        ("CMD", "curl", f"http://user:{SECRET}@localhost/"),
        ("CMD", "curl", f"http://localhost/?verbose=1&token={SECRET}"),
        ("CMD", "curl", "-H", f"Authorization:{SECRET}", "http://localhost/"),
        ("CMD", "curl", "-H", f"Authorization: Bearer {SECRET}", "http://localhost/"),
        ("CMD-SHELL", f'curl -H "Authorization: Bearer {SECRET}" http://localhost/'),
        ("CMD-SHELL", f"curl -H 'X-Api-Key: {SECRET}' http://localhost/"),
        ("CMD-SHELL", f"curl -u admin:{SECRET} http://localhost/"),
        ("CMD-SHELL", f"curl -uadmin:{SECRET} http://localhost/"),
        ("CMD-SHELL", f"curl --user admin:{SECRET} http://localhost/"),
    ],
)
def test_a_healthchecks_secret_is_not_kept(command):
    assert "hunter2" not in " ".join(without_secrets(command))


def test_a_secret_of_the_environment_is_hidden_wherever_it_stands():
    check = healthcheck({"Test": ["CMD", "probe", SECRET]}, None, ["PATH=/bin", f"APP_TOKEN={SECRET}", "KEY="])
    assert check.test == ("CMD", "probe", "***")


@pytest.mark.parametrize(
    "command",
    [
        ("CMD-SHELL", "redis-cli -a $REDIS_PASSWORD ping"),
        ("CMD-SHELL", 'redis-cli -a "${REDIS_PASSWORD}" ping | grep -q PONG || exit 1'),
        ("CMD-SHELL", 'redis-cli -a "$(cat /run/secrets/redis)" ping'),
        ("CMD-SHELL", 'PGPASSWORD="$POSTGRES_PASSWORD" psql -U app -c "select 1"'),
        ("CMD-SHELL", "pg_isready -U harbor -d harbor"),
        ("CMD", "curl", "-fsS", "http://127.0.0.1:8000/health/live"),
        ("CMD-SHELL", "wget -q -O /dev/null http://127.0.0.1:8080/?full=1 || exit 1"),
        ("CMD", "/api", "healthcheck"),
    ],
)
def test_a_healthcheck_without_a_secret_in_it_is_shown(command):
    assert without_secrets(command) == command


def test_healthcheck_none_is_none_and_zeros_are_the_engines_defaults():
    assert healthcheck({"Test": ["NONE"]}, None) is None
    assert healthcheck(None, None) is None
    check = healthcheck({"Test": ["CMD", "true"]}, {"Status": "none", "Log": None})
    assert (check.interval, check.timeout, check.retries, check.status, check.log) == (30, 30, 3, "", ())
