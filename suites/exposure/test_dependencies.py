"""What a service depends on can be reached from where the service runs."""

import pytest


@pytest.mark.requirement("EXP-011", refs=["Twelve-Factor IV"])
def test_dependencies_are_reached_from_inside(dependency):
    """From inside a service's own network each dependency it needs MUST resolve and accept connections.

    Why: a dependency that answers the operator's shell may still be cut off from the service: another network, a name that
    does not resolve, a listener on the wrong interface.

    See: docker inspect -f '{{json .NetworkSettings.Networks}}' CONTAINER

    Fix: attach both to one network, use the name the network knows, and let the dependency listen on more than its loopback.
    """
    assert dependency.unreached == []


@pytest.mark.requirement("EXP-012", refs=["Twelve-Factor IV"])
def test_optional_dependencies_are_reached_from_inside(optional_dependency):
    """From inside a service's own network each optional dependency SHOULD resolve and accept connections.

    See: docker inspect -f '{{json .NetworkSettings.Networks}}' CONTAINER

    Fix: attach both to one network and start the dependency, or take it out of `depends_on` when it is not deployed here.
    """
    assert optional_dependency.unreached == []
