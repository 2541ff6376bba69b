"""What processes were called with, and what they have in their environment."""

import pytest


@pytest.mark.requirement("SEC-005", refs=["CWE-214"])
def test_arguments_hold_no_secrets(processes):
    """The arguments of a process, and a container's command and healthcheck, MUST NOT hold a secret.

    Why: every user of the machine reads them with ps, and so do monitoring agents, which send them on.

    See: ps -eo pid,args, or docker inspect --format '{{.Path}} {{.Args}} {{.Config.Healthcheck}}' CONTAINER

    Fix: rotate the secret, and let the program read it from a file or from its standard input: `--password-file`,
    REDISCLI_AUTH for redis-cli, PGPASSFILE for psql.
    """
    assert processes.argument_secrets == []


@pytest.mark.requirement("SEC-006", refs=["CWE-1392", "CWE-521"])
def test_credentials_in_use_are_strong(processes):
    r"""A process MUST NOT have a default or weak password, key or token in its effective environment.

    Why: what is in a product's manual or in every list of passwords is the first thing that is tried.

    See: tr '\0' '\n' < /proc/PID/environ | cut -d= -f1

    Fix: make a new one (`openssl rand -base64 32`), change it in the server and in all that use it, and restart them.
    """
    assert processes.weak_secrets == []
