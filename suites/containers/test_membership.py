"""Whether the profile knows everything that runs at the target."""

import pytest


@pytest.mark.requirement("CTR-052", refs=["NIST SP 800-190 section 3.4.5"])
def test_the_profile_knows_every_container(deployment):
    """Every container of the target SHOULD belong to a service of the profile.

    Why: nothing is known of the others: a forgotten one-off, an old version, or somebody else's.

    See: docker ps --all --no-trunc

    Fix: declare it under `services:` of the profile, or remove what nobody needs: `docker compose up -d --remove-orphans`,
    `docker rm` for what was started by `docker run`, `kubectl delete` for a pod without an owner.
    """
    assert deployment.undeclared_containers == []
