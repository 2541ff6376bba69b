"""What a service shows over HTTP to whoever asks."""

import pytest


@pytest.mark.requirement("SEC-007", refs=["CWE-200", "OWASP API Security 2023, API8"])
def test_pages_hold_no_secrets(pages):
    """The health, metrics and error pages of a service MUST NOT hold a secret.

    Why: they are asked by everything and guarded by nothing, and what they say is kept by monitoring systems.

    See: curl -s for each of the declared paths, and for a path that does not exist

    Fix: rotate the secret, and show names and states of what is connected to, never the string it is connected with; of a
    URL only its host.
    """
    assert pages.secrets == []


@pytest.mark.requirement("SEC-008", refs=["CWE-209"], hardening=True)
def test_errors_are_told_without_a_stack(pages):
    """A page of a service SHOULD NOT show a stack trace.

    Why: it tells a stranger which programs run in which version and where they lie, and often what they were called with.

    See: curl -si for each of the declared paths, and for a path that does not exist

    Fix: log the trace and answer with a number by which it is found in the log; set the framework to production.
    """
    assert pages.stack_traces == []


@pytest.mark.requirement("SEC-009", refs=["CWE-489", "CWE-215"])
def test_debuggers_are_off(pages):
    """A page of a service MUST NOT come from a framework's debugger.

    Why: such pages show settings and variables, and some of them run what a stranger types.

    See: curl -si for each of the declared paths, and for a path that does not exist

    Fix: switch the debug mode off: DEBUG = False in Django, no `--debug` and no FLASK_DEBUG, RAILS_ENV=production,
    APP_DEBUG=false, ASPNETCORE_ENVIRONMENT=Production.
    """
    assert pages.debuggers == []
