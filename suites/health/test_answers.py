"""Whether a health endpoint answers as declared: status, time, type, size, place."""

import pytest

PROBES = "Kubernetes: Configure Liveness, Readiness and Startup Probes"


@pytest.mark.requirement("HLT-001", refs=[PROBES, "RFC 9110 section 15"])
def test_endpoints_answer_with_the_declared_status(endpoint):
    """A declared health endpoint MUST answer every poll, with a status the profile declares.

    Why: an orchestrator, a load balancer and a pager act on this status, and most of them on nothing else.

    See: curl -si --max-time 10 URL

    Fix: look at the service's log for this path; when the path, the port or the status has changed on purpose, change the
    profile and every probe that uses it.
    """
    assert endpoint.wrong_statuses == []


@pytest.mark.requirement("HLT-002", refs=[f"{PROBES}, timeoutSeconds"], needs="latency")
def test_answers_arrive_within_their_latency(endpoint):
    """The answers of a health endpoint MUST arrive within its declared latency.

    Why: a probe that is slow at rest times out under load, and the service is restarted when it is needed most.

    See: curl -so /dev/null -w '%{time_total}' URL

    Fix: let the handler answer from what is known already; move checks that take long into the background.
    """
    assert endpoint.slow_answers == []


@pytest.mark.requirement("HLT-003", refs=["RFC 9110 section 8.3"], needs="expect.content_type")
def test_endpoints_have_the_declared_content_type(endpoint):
    """A health endpoint MUST answer with the declared content type.

    Why: a proxy's error page or a login form is text/html with a status that looks right.

    See: curl -so /dev/null -w '%{content_type}' URL

    Fix: set the Content-Type in the handler; when another program answered, mend the route to the service.
    """
    assert endpoint.wrong_content_types == []


@pytest.mark.requirement("HLT-007", refs=["RFC 9110 section 15.5.5"])
def test_endpoints_differ_from_paths_that_do_not_exist(endpoint):
    """A health endpoint MUST be told apart from a path that does not exist.

    Why: a catch-all page answers 200 to everything, so that the check stays green when the endpoint is gone.

    See: curl -si URL-that-does-not-exist

    Fix: answer unknown paths with 404; serve a single-page application below a path of its own.
    """
    assert endpoint.catch_all == []


@pytest.mark.requirement("HLT-010", refs=[f"{PROBES}, successThreshold and failureThreshold"])
def test_endpoints_answer_the_same_while_nothing_changes(endpoint):
    """Polls of a health endpoint in a row that get a declared status MUST agree on status and health.

    Why: an endpoint that flaps at rest hides a replica that is broken, or a check that races.

    See: for i in 1 2 3 4 5; do curl -sw ' %{http_code} ' URL; done

    Fix: ask every replica by its own address to find the one that differs; give checks a time-out below the probe's.
    """
    assert endpoint.changing_answers == []


@pytest.mark.requirement("HLT-011", refs=["CWE-400"])
def test_bodies_end(endpoint):
    """The body of a health endpoint MUST end within 1 MiB.

    Why: it is asked every few seconds by everything; a body without an end keeps the service and whoever asks it busy.

    See: curl -s --max-time 10 URL | head -c 2000000 | wc -c

    Fix: leave lists, streams and history out of the health document, and give them a path of their own.
    """
    assert endpoint.endless_bodies == []


@pytest.mark.requirement("HLT-012", refs=["RFC 9110 section 15.4", f"{PROBES}, HTTP probes"])
def test_endpoints_do_not_redirect_to_another_host(endpoint):
    """A health endpoint MUST NOT redirect to another host.

    Why: Kubernetes counts such a redirect as success without following it, and others take the health of somebody else
    for the service's.

    See: curl -si URL | grep -i '^location'

    Fix: take the path out of sign-on and of redirects to the canonical host, and let the service answer itself.
    """
    assert endpoint.off_host_redirects == []


@pytest.mark.requirement("HLT-013", refs=["RFC 9110 section 15.4", f"{PROBES}, HTTP probes"])
def test_endpoints_answer_themselves(endpoint):
    """A health endpoint SHOULD NOT redirect to another place on its own host.

    Why: some probes follow a redirect, some count it as success, some as failure; what is checked depends on who asks.

    See: curl -si URL | grep -i '^location'

    Fix: declare the path, the slash at its end and the scheme that the service answers itself.
    """
    assert endpoint.redirects == []


@pytest.mark.requirement("HLT-015", refs=["CWE-400"])
def test_bodies_are_small(endpoint):
    """The body of a health endpoint SHOULD NOT exceed 64 KiB.

    Why: the kubelet reads the first 10 KiB of it and a health check of Docker logs 4 KiB; what stands further down is lost,
    and costs work at every poll. Seatrial keeps 64 KiB, and gives no verdict on what a larger JSON document says.

    See: curl -s URL | wc -c

    Fix: leave lists and history out of the health document, and give them a path of their own.
    """
    assert endpoint.large_bodies == []
