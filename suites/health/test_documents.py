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


@pytest.mark.requirement("HLT-005", refs=["JMESPath specification"], needs="expect.match")
def test_documents_hold_the_declared_values(endpoint):
    """The body of a health endpoint MUST hold the values the profile declares.

    Why: the profile states what a healthy document says, such as the role or the mode it runs in.

    See: curl -s URL | python3 -m json.tool

    Fix: find out why the service reports another value; when it is right, change the profile.
    """
    assert endpoint.unmatched == []


@pytest.mark.requirement("HLT-006", refs=[f"{DRAFT} sections 3.2 and 3.3"], needs="version")
def test_documents_report_the_version_that_was_released(endpoint):
    """A health endpoint that is declared to report the version MUST report the same one in every answer, and where the profile
    declares the version of the service, that one.

    Why: what runs is not what was released: a roll-out that was never finished, or a rollback nobody knows of.

    See: curl -s URL | python3 -m json.tool | grep -i version

    Fix: finish the roll-out, or change `version` of the service in the profile.
    """
    assert endpoint.wrong_versions == []


@pytest.mark.requirement("HLT-008", refs=[f"{DRAFT} sections 3.1 and 4"], needs="components")
def test_overall_status_follows_from_the_components(endpoint):
    """The overall status of a health document MUST follow from the components it lists.

    Why: whoever reads the first line only is told that all is well while a part is down, or the other way round.

    See: curl -s URL | python3 -m json.tool

    Fix: compute the overall status from the list of components, in one place. When a component is optional, let
    `components` of the check name the others only.
    """
    assert endpoint.inconsistent_components == []


@pytest.mark.requirement("HLT-009", refs=[f"{DRAFT} section 3.1", "RFC 9110 section 15.3"])
def test_unhealthy_bodies_have_no_success_status(endpoint):
    """A health endpoint whose body says that the service is not healthy MUST NOT answer with a success status.

    Why: load balancers and orchestrators read the status alone, and go on sending traffic. Where the profile lists the
    healthy words, any other is not healthy. Liveness is asked whether a restart is the cure, so a service that is degraded
    or not ready yet is alive.

    See: curl -si URL

    Fix: answer 503 when the body says that the service is not healthy; name the words that mean healthy in `healthy` of
    the check.
    """
    assert endpoint.unhealthy_successes == []


@pytest.mark.requirement("HLT-014", refs=[f"{DRAFT} section 3.1"])
def test_degraded_bodies_have_no_success_status(endpoint):
    """A health endpoint other than liveness SHOULD NOT answer with a success status while its body says degraded.

    Why: nobody who reads the status alone learns of it. It is advice, since a service without something optional may
    rightly take traffic, and the draft on health documents has `warn` under a success for that. Liveness is left out: a
    restart mends no dependency.

    See: curl -si URL

    Fix: answer 503 when requests fail; else alert on the word in the body, and list it in `healthy` of the check.
    """
    assert endpoint.degraded_successes == []
