"""What a service does with SIGTERM: the requests and the work it has, and how it ends."""

import pytest

PODS = "Kubernetes: Pod Lifecycle, Termination of Pods"


@pytest.mark.requirement("TRM-001", refs=[PODS, "docker stop"], tier="disrupt")
def test_services_end_within_their_grace_period(termination):
    """A service that gets SIGTERM MUST end by itself within its grace period.

    Why: what has not ended by then is killed: buffers are not written, locks stay, and each deployment takes that much longer.

    See: time docker stop CONTAINER; docker inspect --format '{{.State.ExitCode}}' CONTAINER

    Fix: handle SIGTERM; start the program itself and not a shell that keeps the signal (exec form, `exec`, or `init: true`);
    bound what is waited for; or declare a longer grace period and set it in the engine.
    """
    assert termination.killed == []


@pytest.mark.requirement("TRM-002", refs=[PODS], tier="disrupt", needs="slowest")
def test_requests_in_flight_are_answered(termination):
    """A service that gets SIGTERM MUST answer the requests that it was given before.

    Why: every deployment and every scaling down ends a replica; what it drops is an error for some user each time.

    See: curl -si URL of the slowest call, and docker stop CONTAINER meanwhile

    Fix: stop accepting first, wait for the requests that are in hand, then end; give the grace period room for the slowest.
    """
    assert termination.cut_off == []


@pytest.mark.requirement("TRM-003", refs=[PODS], tier="disrupt", needs="readiness")
def test_readiness_goes_before_requests_fail(termination):
    """After SIGTERM, readiness MUST NOT say ready any more once requests have begun to fail.

    Why: traffic is sent to what says ready; while it fails its requests, users get errors though other replicas could answer.

    See: while sleep 0.2; do curl -so /dev/null -w '%{http_code} ' URL; done, and docker stop CONTAINER meanwhile

    Fix: turn readiness to not ready as the first thing on SIGTERM, and go on serving for as long as the balancer needs to see it.
    """
    assert termination.ready_while_failing == []


@pytest.mark.requirement("TRM-004", refs=[PODS], tier="disrupt", needs="readiness")
def test_ends_are_announced(termination):
    """After SIGTERM, a service SHOULD answer not ready before it stops accepting connections.

    Why: whoever sends traffic learns of the end a moment later than the service; until then each request meets a closed door.

    See: while sleep 0.2; do curl -so /dev/null -w '%{http_code} ' URL; done, and docker stop CONTAINER meanwhile

    Fix: answer not ready for a few seconds before the listener is closed; a preStop hook that sleeps does the same.
    """
    assert termination.unannounced == []


@pytest.mark.requirement("TRM-005", refs=[PODS], tier="disrupt", needs="work")
def test_accepted_work_is_there_after_the_restart(termination):
    """Work that a service accepted before SIGTERM MUST be done after its restart.

    Why: the answer said that it was taken; nobody hands it in again, and nobody sees that it is gone.

    See: hand work in with curl, then docker restart CONTAINER, then ask for it

    Fix: write work down before it is accepted, and take it from the queue only once it is done.
    """
    assert termination.lost_work == []


@pytest.mark.requirement("TRM-006", refs=["systemd.service(5), SuccessExitStatus=", PODS], tier="disrupt")
def test_exit_status_of_an_ordered_end_says_success(exit_status):
    """A service that ended because of SIGTERM SHOULD have exit code 0 or 143.

    Why: any other is told as a crash: alerts fire at each deployment, and soon nobody looks at them; a job is run again.

    See: docker stop CONTAINER; docker inspect --format '{{.State.ExitCode}}' CONTAINER

    Fix: leave the handler of SIGTERM with status 0; look at the last lines of the log for what fails while it ends.
    """
    assert exit_status.failed_exits == []
