"""What the engine publishes of a service is what the profile declares, where it declares it."""

import pytest


@pytest.mark.requirement("EXP-001", refs=["CIS Docker 5.9", "NIST SP 800-53 CM-7"])
def test_only_declared_ports_are_published(publication):
    """Every port that the engine publishes for a service MUST be declared in its `exposure.published`.

    Why: a published port is reachable past the host's own firewall rules, as the engine writes its own.

    See: docker port CONTAINER

    Fix: take the port out of `ports:` (other services reach it without), or declare it in `exposure.published`.
    """
    assert publication.undeclared_published == []


@pytest.mark.requirement("EXP-002", refs=["CIS Docker 5.14", "NIST SP 800-53 SC-7"])
def test_ports_are_published_on_declared_interfaces_only(publication):
    """A declared port MUST be published on no interface but those that `exposure.published` names.

    Why: `8080:80` without an address means every interface, also the one that faces the internet.

    See: docker port CONTAINER

    Fix: write the address in front of the port (`127.0.0.1:8080:80`), or declare the wider one.
    """
    assert publication.published_elsewhere == []


@pytest.mark.requirement("EXP-003", refs=["Compose specification: ports"], needs="published")
def test_declared_addresses_are_published(publication):
    """Every address in `exposure.published` MUST really be published.

    See: docker port CONTAINER

    Fix: add the port to `ports:` and recreate the container, or take the address out of the profile.
    """
    assert publication.unpublished == []


@pytest.mark.requirement("EXP-004", refs=["Docker Engine: port publishing"], needs="published")
def test_published_addresses_lead_to_a_listener(publication):
    """Behind every published address a process of the service MUST accept connections.

    Why: the engine's proxy accepts on behalf of a container in which nobody listens, and only then hangs up; a check that
    merely connects calls that healthy.

    See: docker port CONTAINER; nc -v ADDRESS PORT

    Fix: publish the port the process really listens on, and let it listen on 0.0.0.0 inside, not on its loopback.
    """
    assert publication.dead_published == []


@pytest.mark.requirement("EXP-005", refs=["CIS Docker 5.14", "NIST SP 800-53 SC-7"], needs="published", hardening=True)
def test_data_stores_are_not_published_beyond_the_host(publication):
    """A data store or control interface SHOULD NOT be published on more than the host's loopback, even where declared.

    Why: then one lost or missing password is all that stands between a network and the data.

    See: docker port CONTAINER

    Fix: publish it on 127.0.0.1, or not at all: services in the same network reach it by name.
    """
    assert publication.stores_published_widely == []
