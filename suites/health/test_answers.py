"""Whether a health endpoint answers as declared: status, time, type, place."""

import pytest


@pytest.mark.requirement("HLT-001", refs=["Kubernetes: liveness, readiness and startup probes", "RFC 9110 section 15"])
def test_endpoints_answer_with_the_declared_status(endpoint):
    """A declared health endpoint MUST answer with a status the profile declares.

    Why: an orchestrator, a load balancer and a pager act on this status, and on nothing else.

    See: curl -si --max-time 10 URL

    Fix: look at the service's log for this path; when the path, the port or the status has changed on purpose, change the
    profile and every probe that uses it.
    """
    assert endpoint.wrong_statuses == []


@pytest.mark.requirement("HLT-002", refs=["Kubernetes: probe timeoutSeconds"], needs="latency")
def test_endpoints_answer_within_their_latency(endpoint):
    """A health endpoint MUST answer within its declared latency.

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


@pytest.mark.requirement("HLT-010", refs=["Kubernetes: probe successThreshold and failureThreshold"])
def test_endpoints_answer_the_same_when_nothing_has_changed(endpoint):
    """Polls of a health endpoint in a row MUST agree on status and health.

    Why: an endpoint that flaps at rest hides a replica that is broken, or a check that races.

    See: for i in 1 2 3 4 5; do curl -so /dev/null -w '%{http_code} ' URL; done

    Fix: ask every replica by its own address to find the one that differs; give checks a time-out below the probe's.
    """
    assert endpoint.changing_answers == []


@pytest.mark.requirement("HLT-011", refs=["CWE-400"])
def test_endpoints_have_a_bounded_body(endpoint):
    """The body of a health endpoint MUST NOT exceed 64 KiB.

    Why: it is asked every few seconds by everything; one that grows takes the service down with it.

    See: curl -s --max-filesize 1000000 URL | wc -c

    Fix: leave lists and history out of the health document, and give them a path of their own.
    """
    assert endpoint.oversized_bodies == []


@pytest.mark.requirement("HLT-012", refs=["RFC 9110 section 15.4", "Kubernetes: HTTP probes and redirects"])
def test_endpoints_do_not_redirect_to_another_host(endpoint):
    """A health endpoint MUST NOT redirect to another host.

    Why: Kubernetes counts such a redirect as success, so that the health of somebody else is taken for the service's.

    See: curl -si URL | grep -i '^location'

    Fix: take the path out of sign-on and canonical-host redirects, and let the service answer itself.
    """
    assert endpoint.off_host_redirects == []
