"""What listens is what the profile declares, on the interface it declares."""

import pytest


@pytest.mark.requirement("EXP-006", refs=["CIS Docker 5.9", "NIST SP 800-53 CM-7"])
def test_only_declared_sockets_listen(listener):
    """Every listening socket of a service MUST be declared in `exposure.listening` or, where that is left out, be published or depended on.

    Why: a debugger, a metrics port or a second server that nobody knows of is protected by nobody.

    See: nsenter -t $(docker inspect -f '{{.State.Pid}}' CONTAINER) -n ss -lntup; without containers: ss -lntup

    Fix: turn the listener off, or declare it in `exposure.listening`.
    """
    assert listener.undeclared_listening == []


@pytest.mark.requirement("EXP-007", refs=["NIST SP 800-53 SC-7"], needs="listening")
def test_sockets_listen_on_declared_interfaces_only(listener):
    """A declared socket MUST listen on no interface but those that `exposure.listening` names.

    See: nsenter -t $(docker inspect -f '{{.State.Pid}}' CONTAINER) -n ss -lntup; without containers: ss -lntup

    Fix: bind the process to the declared address (its `bind`, `listen` or `--host` setting), or declare the wider one.
    """
    assert listener.listening_elsewhere == []


@pytest.mark.requirement("EXP-008", refs=["Twelve-Factor VII"], needs="listening")
def test_declared_sockets_listen(listener):
    """On every socket in `exposure.listening` a process of the service MUST listen, in each of its containers.

    See: nsenter -t $(docker inspect -f '{{.State.Pid}}' CONTAINER) -n ss -lntup; without containers: ss -lntup

    Fix: enable the listener in the service's configuration, or take it out of the profile.
    """
    assert listener.not_listening == []
