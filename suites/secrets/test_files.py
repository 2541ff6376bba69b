"""Secrets in files: of a service, of the profile, of a repository."""

import pytest

RIGHTS = "CWE-732 (incorrect permission assignment for critical resource)"


@pytest.mark.requirement("SEC-010", refs=[RIGHTS])
def test_private_keys_are_private(stored):
    """A private key below a data or configuration path of a service MUST NOT be readable by others.

    Why: who has the key is the server, or reads what was encrypted for it. What is mounted from the host is looked at where
    the host has it. As many files of each path are searched as `secrets.max_files` says.

    See: find PATH -type f -perm -o=r -exec grep -l 'PRIVATE KEY-----' {} +

    Fix: chmod 600 the key and give it to the user of the service; where others had access to the machine, replace it.
    """
    assert stored.open_keys == []


@pytest.mark.requirement("SEC-011", refs=[RIGHTS, "CWE-260"])
def test_configuration_with_secrets_is_private(stored):
    """A configuration file of a service that holds a password or a token MUST NOT be readable by others.

    Why: every program on the machine can read it, whoever it runs as.

    See: find PATH -type f -perm -o=r

    Fix: chmod 640 the file, with the user or the group of the service; better, let the file name another one that holds
    the secret alone.
    """
    assert stored.open_secrets == []


@pytest.mark.requirement("SEC-012", refs=[RIGHTS, "systemd.exec: EnvironmentFile="])
def test_files_of_secrets_are_closed_to_others(secret_file):
    """A declared file that holds a secret MUST NOT be readable or writable by others.

    Why: the profile names this file, since a service gets its secrets from it; a folder above it that is closed today is
    opened by the next backup or copy.

    See: stat --format '%a %U:%G %n' FILE

    Fix: chmod 600 FILE, or 640 with the group of the service; rotate what was in it where others had access.
    """
    assert secret_file.open == []


@pytest.mark.requirement("SEC-013", refs=["CWE-282"])
def test_files_of_secrets_belong_to_the_service(secret_file):
    """A declared file of secrets MUST be owned by root, by a user of the service, or by who runs this test.

    Why: its owner can change what the service is told, and read it, whatever its mode says.

    See: stat --format '%a %U:%G %n' FILE

    Fix: chown the file to root, or to the user that the service runs as.
    """
    assert secret_file.strange_owners == []


@pytest.mark.requirement("SEC-014", refs=["CWE-1392", "CWE-521"])
def test_files_of_secrets_hold_strong_ones(secret_file):
    """A declared file MUST NOT hold a default or weak password, key or token.

    Why: an example that was copied and never changed works, and so nobody notices that its password is everybody's.

    See: grep -nE 'PASS|SECRET|TOKEN|KEY' FILE

    Fix: make a new one (`openssl rand -base64 32`), change it in the server and in all that use it, and restart them.
    """
    assert secret_file.weak_secrets == []


@pytest.mark.requirement("SEC-015", refs=["CWE-260", "systemd.exec: Environment="], hardening=True)
def test_compose_and_unit_files_refer_to_secrets(secret_file):
    """A compose file, a unit file or a configuration file that is declared SHOULD NOT hold a secret that it could refer to.

    Why: such files are copied, versioned and pasted into tickets. What stands in a unit file is shown by systemctl to every
    user, whatever the mode of the file.

    See: docker compose config, or systemctl show --property Environment SERVICE

    Fix: write `secrets:` or ${NAME} in compose, EnvironmentFile= or LoadCredential= in a unit; where it must be so,
    declare it under `secrets.known` with this file in its `files`.
    """
    assert secret_file.plain_secrets == []


@pytest.mark.requirement("SEC-016", refs=["CWE-540", "CWE-798"])
def test_repositories_hold_no_secrets(repository):
    """A file that the repository keeps MUST NOT hold a secret.

    Why: everyone who ever cloned it has it, and taking it out of the next version leaves it in the history.

    See: git grep -nE 'PRIVATE KEY|PASSWORD|TOKEN|SECRET'

    Fix: rotate the secret first; then put a reference in its place, and rewrite the history only where that is worth its
    trouble. Where it is an example that nobody uses, name its path in `examples` of secrets.
    """
    assert repository.secrets == []


@pytest.mark.requirement("SEC-017", refs=["CWE-538"])
def test_files_of_secrets_are_not_versioned(secret_file):
    """A declared file that holds a secret MUST NOT be tracked by version control.

    Why: the next push publishes it, and every clone keeps it for ever.

    See: git -C FOLDER ls-files --error-unmatch FILE

    Fix: rotate what is in it; `git rm --cached FILE`, add it to .gitignore, and keep an example without values.
    """
    assert secret_file.tracked == []
