"""What an engine shows of containers to everyone who may ask it."""

import pytest

STORAGE = "CWE-312 (cleartext storage of sensitive information)"


@pytest.mark.requirement("SEC-001", refs=["CIS Docker 4.10", STORAGE])
def test_images_hold_no_secrets(inspection):
    """An image MUST NOT hold a secret in its history, its labels or its environment.

    Why: whoever can pull the image has it, and deleting it in a later layer leaves it in the earlier one. A build argument
    is in the history as it was given.

    See: docker history --no-trunc $(docker inspect --format '{{.Image}}' CONTAINER)

    Fix: rotate the secret. Then give it to the build with `RUN --mount=type=secret`, or to the container when it runs, as a
    file.
    """
    assert inspection.image_secrets == []


@pytest.mark.requirement("SEC-002", refs=[STORAGE])
def test_labels_hold_no_secrets(inspection):
    """A label that a container was given MUST NOT hold a secret.

    Why: labels are copied to wherever containers are listed: metrics of the host, log lines, dashboards.

    See: docker inspect --format '{{json .Config.Labels}}' CONTAINER

    Fix: rotate the secret, take it out of `labels:` in compose or `docker run --label`, and let a label name the file that
    holds it; a proxy that reads its users from labels takes hashes, or a file of users.
    """
    assert inspection.label_secrets == []


@pytest.mark.requirement("SEC-003", refs=["CWE-526", "OWASP Docker Security Cheat Sheet, rule 12"], hardening=True)
def test_environments_name_files_and_hold_no_secrets(inspection):
    """The environment that a container is created with SHOULD NOT hold a secret, but for those that the profile declares to be
    held by its service.

    Why: everyone who may ask the engine reads it, and every child process, crash report and debug page has a copy.

    See: docker inspect --format '{{json .Config.Env}}' CONTAINER

    Fix: give the secret as a file (`secrets:` in compose, mounted at /run/secrets) and name that file in the variable
    that many images know, such as POSTGRES_PASSWORD_FILE. Where a program reads nothing but its environment, declare the
    secret under `secrets.known` with `held_by`.
    """
    assert inspection.environment_secrets == []


@pytest.mark.requirement("SEC-004", refs=["CWE-532", "OWASP ASVS 16.2.5"])
def test_logs_hold_no_secrets(inspection):
    """The last lines of a container's log, and what its healthcheck printed, MUST NOT hold a secret.

    Why: logs are read by many, shipped to other systems, and kept for longer than any password. As many lines are searched
    as `secrets.log_lines` says.

    See: docker logs --tail 1000 CONTAINER

    Fix: rotate the secret, delete what was kept of the log, and let the program log the name of what it used; lower its log
    level where a library prints requests or connection strings.
    """
    assert inspection.log_secrets == []
