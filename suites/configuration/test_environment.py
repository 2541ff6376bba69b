"""The environment of the main processes, as the kernel gives it, against what the profile declares."""

import pytest


@pytest.mark.requirement("CFG-001", refs=["The Twelve-Factor App III"], needs="required")
def test_required_variables_are_set(environment):
    r"""Every variable that the profile declares required MUST be set in the environment of the service's main process.

    Why: a program without a variable takes its own default, which nobody chose for this deployment.

    See: tr '\0' '\n' < /proc/PID/environ | cut -d= -f1

    Fix: set it where the service is started (`environment:` or `env_file:` in compose, `EnvironmentFile=` in the unit,
    `env:` in the pod spec), and recreate the container or restart the process: an edited file changes nothing that runs.
    """
    assert environment.unset == []


@pytest.mark.requirement("CFG-002", refs=["The Twelve-Factor App III"], needs="required")
def test_required_variables_have_a_value(environment):
    r"""A variable that the profile declares required MUST NOT be empty in the environment of the service's main process.

    Why: `NAME: ${NAME}` in compose gives an empty value, and only a warning, when the shell that ran it had none.

    See: tr '\0' '\n' < /proc/PID/environ | grep '=$'

    Fix: give it a value where the service is started; `${NAME:?}` in compose refuses to start without one.
    """
    assert environment.empty == []


@pytest.mark.requirement("CFG-003", refs=["The Twelve-Factor App III"], needs="one_of")
def test_one_of_the_alternatives_is_set(environment):
    r"""At least one of the variables that the profile declares as alternatives MUST be set and not empty.

    See: tr '\0' '\n' < /proc/PID/environ | cut -d= -f1

    Fix: set the one that this deployment uses, and recreate the container or restart the process.
    """
    assert environment.without_one == []


@pytest.mark.requirement("CFG-004", refs=["The Twelve-Factor App III"], needs="values")
def test_variables_have_their_declared_values(environment):
    r"""A variable MUST have the value that the profile declares in the environment of the service's main process.

    Why: what counts is what the process was started with; the file that it was once read from may have changed since.

    See: tr '\0' '\n' < /proc/PID/environ

    Fix: correct it where the service is started and recreate the container or restart the process; or correct the
    profile, when the value was changed on purpose.
    """
    assert environment.other_values == []


@pytest.mark.requirement("CFG-005", refs=["The Twelve-Factor App III"], needs="allowed")
def test_variables_have_allowed_values(environment):
    r"""A variable that is set MUST have one of the values that the profile declares as allowed.

    Why: a misspelt word is most often taken for the default, without a sound.

    See: tr '\0' '\n' < /proc/PID/environ

    Fix: use one of the allowed words, and recreate the container or restart the process.
    """
    assert environment.values_not_allowed == []


@pytest.mark.requirement("CFG-006", refs=["systemd.exec(5) EnvironmentFile=", "Compose: env_file"], needs="file")
def test_processes_have_what_their_env_file_says(environment):
    r"""Every variable of the declared env file MUST have in the service's main process the value that the file gives it.

    Why: a file that was edited after the start is not in force, and takes force at the next restart, when nobody looks.

    See: diff <(tr '\0' '\n' < /proc/PID/environ | sort) <(sort ENV_FILE)

    Fix: restart the process (`docker compose up -d` recreates the container, `systemctl restart`), or put the file back.
    """
    assert environment.other_than_the_file == []


@pytest.mark.requirement("CFG-007", refs=["Docker Engine API: ContainerInspect Config.Env"])
def test_processes_have_what_their_container_was_given(container_environment):
    """A variable that the profile declares SHOULD have in the main process the value that its container was created with.

    Why: what `docker inspect` shows is what was asked for; an entrypoint may have put something else in its place.

    See: docker inspect --format '{{json .Config.Env}}' CONTAINER

    Fix: let the entrypoint keep what it is given, or set the value that it makes of it where the container is created.
    """
    assert container_environment.changed_since_creation == []
