"""One value, stated in several places."""

import pytest


@pytest.mark.requirement("CFG-014", refs=["Don't repeat yourself: a value with several homes has no owner"])
def test_every_place_states_the_same(agreement):
    """Every place that the profile names for one value MUST state the same value.

    Why: a password, a bucket or an address that was changed in one place and not in the other works until the next start.

    See: seatrial audit PROFILE -k test_every_place_states_the_same

    Fix: find the place that is wrong, correct it, and restart what reads it; better, let both read it from one place.
    """
    assert agreement.disagreeing == []
