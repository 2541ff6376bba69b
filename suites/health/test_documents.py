"""Whether what a health endpoint says is true, as far as it can be told from outside."""

import pytest

DRAFT = "draft-inadarei-api-health-check-06"


@pytest.mark.requirement("HLT-004", refs=["JSON Schema 2020-12"], needs="expect.json_schema|expect.json_schema_file")
def test_documents_satisfy_their_schema(endpoint):
    """The body of a health endpoint MUST satisfy the declared JSON Schema.

    Why: dashboards and scripts read these fields; one that is renamed is read as nothing, which looks like health.

    See: curl -s URL | python3 -m json.tool

    Fix: give back the field the schema asks for, or change the schema together with everything that reads it.
    """
    assert endpoint.schema_errors == []


@pytest.mark.requirement("HLT-005", refs=["JMESPath"], needs="expect.match")
def test_documents_hold_the_declared_values(endpoint):
    """The body of a health endpoint MUST hold the values the profile declares.

    Why: the profile states what a healthy document says, such as the role or the mode it runs in.

    See: curl -s URL | python3 -m json.tool

    Fix: find out why the service reports another value; when it is right, change the profile.
    """
    assert endpoint.unmatched == []


@pytest.mark.requirement("HLT-006", refs=[f"{DRAFT} section 3.2"], needs="version")
def test_documents_report_the_declared_version(endpoint):
    """A health document that tells a version MUST tell the one the profile declares.

    Why: what runs is not what was released: a roll-out that was never finished, or a rollback nobody knows of.

    See: curl -s URL | python3 -m json.tool | grep -i version

    Fix: finish the roll-out, or change `version` of the service in the profile.
    """
    assert endpoint.wrong_versions == []


@pytest.mark.requirement("HLT-007", refs=["RFC 9110 section 15.5.5"])
def test_endpoints_differ_from_paths_that_do_not_exist(endpoint):
    """A health endpoint MUST be told apart from a path that does not exist.

    Why: a catch-all page answers 200 to everything, so that the check stays green when the endpoint is gone.

    See: curl -si URL-x

    Fix: answer unknown paths with 404; serve a single-page application below a path of its own.
    """
    assert endpoint.catch_all == []


@pytest.mark.requirement("HLT-008", refs=[f"{DRAFT} section 3.1"], needs="components")
def test_overall_status_follows_from_the_components(endpoint):
    """The overall status of a health document MUST follow from the components it lists.

    Why: whoever reads the first line only is told that all is well while a part is down, or the other way round.

    See: curl -s URL | python3 -m json.tool

    Fix: compute the overall status from the list of components, where it is made, in one place.
    """
    assert endpoint.inconsistent_components == []


@pytest.mark.requirement("HLT-009", refs=[f"{DRAFT} section 3.1", "RFC 9110 section 15.3"])
def test_a_body_that_says_unhealthy_has_no_success_status(endpoint):
    """A health endpoint whose body says that the service is unhealthy MUST NOT answer with a success status.

    Why: load balancers and orchestrators read the status alone, and go on sending traffic. Liveness is judged by words of
    death only, since a degraded service is alive.

    See: curl -si URL

    Fix: answer 503 when the body says anything but healthy; say the words that mean healthy in `healthy:` of the profile.
    """
    assert endpoint.unhealthy_successes == []
