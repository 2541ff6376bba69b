"""Whether objectives are stated so that they say something; nothing is loaded for it."""

import pytest

SLOS = "Site Reliability Engineering, Service Level Objectives"
BUDGET = "The Site Reliability Workbook, Implementing SLOs"


@pytest.mark.requirement("SLO-020", refs=[SLOS, BUDGET])
def test_latency_is_stated_beside_errors(quick_load):
    """An objective of latency SHOULD be stated beside a share of errors.

    Why: what is refused at once is answered fast. A service that fails nine requests in ten has never been so quick.

    See: seatrial audit PROFILE --plan

    Fix: state `errors`, of the load as a whole or of each endpoint.
    """
    assert quick_load.without_errors == []


@pytest.mark.requirement("SLO-021", refs=["Schroeder, Wierman, Harchol-Balter: Open Versus Closed (NSDI 2006)", SLOS])
def test_latency_is_measured_in_an_open_loop(quick_load):
    """An objective of latency SHOULD be judged under arrivals that do not wait for answers.

    Why: users of a closed loop ask again when they were answered. The slower the service, the less it is asked: a stall of two
    seconds holds one request of each, where in truth everybody who came meanwhile has waited.

    See: seatrial audit PROFILE --plan

    Fix: state `rate` in place of `users`; users of a closed loop ask at most users divided by (latency and pause).
    """
    assert quick_load.closed == []


@pytest.mark.requirement("SLO-022", refs=["David, Nagaraja: Order Statistics", "Clopper, Pearson (1934)", BUDGET])
def test_loads_can_decide_their_objectives(stated_load):
    """A load SHOULD make enough requests to decide each quantile and each share of errors that is promised under it.

    Why: of 500 requests the slowest is the p99.8. What a p99.9 is nobody can tell by them, so that each run ends undecided.

    See: seatrial audit PROFILE --plan

    Fix: a longer `duration` or a higher `rate`; or promise a quantile that so few requests can show.
    """
    assert stated_load.undecidable == []


@pytest.mark.requirement("SLO-023", refs=[SLOS])
def test_classes_of_hardware_all_have_numbers(classed_load):
    """An objective with numbers by class of hardware SHOULD have some for each class that the profile declares.

    Why: on a machine of a class without numbers nothing is decided, and nothing is promised to who runs it there.

    See: seatrial audit PROFILE --plan

    Fix: state what holds there, measured there; or take the class away, where the deployment is not supported on it.
    """
    assert classed_load.forgotten_classes == []


@pytest.mark.requirement("SLO-024", refs=["declared as paid"])
def test_loads_on_what_is_paid_have_an_end(paying_load):
    """A load on what needs a service that is declared paid SHOULD bound its requests.

    Why: a double stands in for it only as long as every setting says so. One that is lost is told by the bill.

    See: seatrial audit PROFILE --plan

    Fix: declare `max_requests`: no more than somebody is willing to pay for.
    """
    assert paying_load.unbounded == []
