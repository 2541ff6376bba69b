"""The declared upgrade, and the declared way back."""

import pytest


@pytest.mark.requirement("LFC-006", needs="upgrade.version", tier="disrupt")
def test_the_upgrade_brings_the_new_version(upgrade):
    """After its declared upgrade, every replica of a service MUST say the declared new version.

    Why: an upgrade that ends well and leaves the old version running is found out when it is too late to stop.

    See: run the declared command, then curl -s URL of the health endpoint of each replica

    Fix: let the command wait until what it started says its version, and fail when it does not.
    """
    assert upgrade.wrong_version_upgraded == []


@pytest.mark.requirement("LFC-007", needs="rollback.version", tier="disrupt")
def test_the_rollback_brings_the_old_version_back(upgrade):
    """After its declared rollback, every replica of a service MUST say the declared old version.

    Why: the rollback is needed on the worst day, and that is no day to try it for the first time.

    See: run both declared commands, then curl -s URL of the health endpoint of each replica

    Fix: name the version to go back to, and keep its image or package where the command finds it.
    """
    assert upgrade.wrong_version_rolled_back == []
