"""How a service starts: again after SIGTERM, after a crash, and while what it needs is not there yet."""

import pytest

PROBES = "Kubernetes: Configure Liveness, Readiness and Startup Probes"
RESTARTS = "Docker: Start containers automatically"


@pytest.mark.requirement("TRM-007", refs=[f"{PROBES}, startup"], tier="disrupt")
def test_starts_fit_into_the_budget_of_the_probe(startup):
    """A start MUST take no longer than the probe that watches it allows.

    Why: a service that is ended while it still starts never runs: each attempt meets the same end.

    See: docker restart CONTAINER; time until curl -sf URL; do sleep 0.2; done

    Fix: declare a startup probe, or a longer start_period or failure_threshold; move slow steps out of the start.
    """
    assert startup.longer_than_budget == []


@pytest.mark.requirement("TRM-008", refs=[RESTARTS, "systemd.service(5), Restart="], tier="disrupt")
def test_crashes_are_restarted(crash):
    """A service that crashed MUST be restarted within its declared time, each time.

    Why: a restart policy that was declared and does not act is found out at night, by the one on call.

    See: docker inspect --format '{{.HostConfig.RestartPolicy.Name}} {{.RestartCount}}' CONTAINER

    Fix: set the restart policy of the container or unit that really runs; let the main process end when its worker has died;
    look at the limit of the policy (max-retry, StartLimitBurst).
    """
    assert crash.not_restarted == []


@pytest.mark.requirement("TRM-009", refs=[f"{PROBES}, startup"], tier="disrupt", needs="startup|liveness|readiness")
def test_services_are_ready_again_after_a_crash(crash):
    """A service that was restarted after a crash MUST be ready again within the budget of its start.

    Why: after a crash there are locks, half-written files and old sockets that no ordered end leaves behind.

    See: docker kill CONTAINER; docker start CONTAINER; time until curl -sf URL; do sleep 0.2; done

    Fix: let the start take over what a crash leaves: stale pid files and locks, a journal to be replayed.
    """
    assert crash.not_ready_again == []


@pytest.mark.requirement("TRM-010", refs=[RESTARTS], tier="disrupt")
def test_restarted_services_go_on_running(crash):
    """A service that was restarted MUST NOT end again by itself.

    Why: a service that keeps ending looks well between two ends; it drops its requests and its caches each time.

    See: docker inspect --format '{{.RestartCount}} {{.State.ExitCode}}' CONTAINER

    Fix: look at the log of the lives before the last one; raise the memory limit when the exit code is 137.
    """
    assert crash.ends_again == []


@pytest.mark.requirement("TRM-011", refs=["Docker Compose: Control startup order", PROBES], tier="disrupt")
def test_services_wait_for_dependencies_that_are_late(slow_start):
    """A service that is started while a required dependency hangs SHOULD wait or try again and not end.

    Why: restarts of something that only has to wait fill the log, trip the alarm, and wait longer each time.

    See: docker pause the dependency's container; docker restart CONTAINER; docker inspect --format '{{.RestartCount}}' CONTAINER

    Fix: connect with a time-out and try again with growing pauses; be live and not ready meanwhile.
    """
    assert slow_start.ended == []


@pytest.mark.requirement("TRM-012", refs=["Docker Compose: Control startup order", PROBES], tier="disrupt")
def test_services_turn_ready_when_late_dependencies_are_there(slow_start):
    """A service that was started while a required dependency hung MUST be ready soon after the dependency is back.

    Why: after a power cut everything starts at once; what gives up for good then has to be found and helped by hand.

    See: docker pause the dependency's container; docker restart CONTAINER; docker unpause it; curl -si URL

    Fix: don't give up at the first refusal; don't keep a connection that was never made; let a restart policy help as the last resort.
    """
    assert slow_start.not_ready_after == []


@pytest.mark.requirement("TRM-013", tier="disrupt")
def test_the_stack_comes_up_from_nothing(cold_start):
    """After a cold start of the whole stack, every service MUST be ready within its declared time without help.

    Why: after a power cut nobody remembers the order; what comes up only when it is started by hand does not come up.

    See: docker compose down; time docker compose up --wait

    Fix: let each service wait for what it needs, give each a restart policy, and set no fixed pauses.
    """
    assert cold_start.late == []


@pytest.mark.requirement("TRM-014", refs=["Docker Compose: Control startup order"], tier="disrupt")
def test_services_say_ready_only_when_what_they_need_is_there(cold_start):
    """While the stack starts, a service MUST NOT say ready before what it needs is there and its canary works.

    Why: whoever waits for it begins to send requests, which fail.

    See: docker compose stop; docker compose up -d --no-deps SERVICE; curl -si URL of the readiness endpoint

    Fix: let readiness ask the dependencies from the first answer on, and answer not ready until all of them were reached.
    """
    assert cold_start.ready_too_early == []
