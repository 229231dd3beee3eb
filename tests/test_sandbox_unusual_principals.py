"""Principals that a responder meets and can't treat as an application of its own tenant."""

from sandbox.settings import pretend_secret
from tests.sandbox_entra_calls import aadsts, ask, graph
from tests.sandbox_fixture import RunningSandbox

MICROSOFT = "f8cdef31-a31e-4b4a-93e4-5f571e91255a"


def test_a_partners_principal_signs_in_with_a_secret_of_its_own(sandbox: RunningSandbox) -> None:
    sandbox.no_delays()
    secret = pretend_secret("partner-sync secret")[:40]
    assert aadsts(ask(sandbox, "partner_sync", client_secret=secret)) == 0

    seeded = sandbox.seed["partner_sync"]
    found = graph(sandbox, "GET", f"servicePrincipals/{seeded['object_id']}")
    assert found["appOwnerOrganizationId"] not in (sandbox.tenant_id, MICROSOFT, None)
    assert found["passwordCredentials"]
    assert not graph(sandbox, "GET", f"applications?$filter=appId eq '{seeded['app_id']}'")["value"]
    roles = graph(sandbox, "GET", f"servicePrincipals/{seeded['object_id']}/appRoleAssignments")
    assert len(roles["value"]) == 1
    granted = f"oauth2PermissionGrants?$filter=clientId eq '{seeded['object_id']}'"
    assert len(graph(sandbox, "GET", granted)["value"]) == 1


def test_an_application_without_a_principal_gets_no_token(sandbox: RunningSandbox) -> None:
    sandbox.no_delays()
    seeded = sandbox.seed["legacy_job"]
    secret = pretend_secret("legacy-job secret")[:40]
    assert aadsts(ask(sandbox, "legacy_job", client_secret=secret)) == 700016
    found = graph(sandbox, "GET", f"applications/{seeded['application_object_id']}")
    assert (found["appId"], len(found["passwordCredentials"])) == (seeded["app_id"], 1)

    graph(sandbox, "POST", "servicePrincipals", {"appId": seeded["app_id"]})
    assert aadsts(ask(sandbox, "legacy_job", client_secret=secret)) == 0


def test_microsofts_and_agents_are_recognizable(sandbox: RunningSandbox) -> None:
    first_party = sandbox.seed["first_party"]["object_id"]
    found = graph(sandbox, "GET", f"servicePrincipals/{first_party}")
    assert found["appOwnerOrganizationId"] == MICROSOFT
    agent = graph(sandbox, "GET", f"servicePrincipals/{sandbox.seed['agent']['object_id']}")
    assert agent["@odata.type"] == "#microsoft.graph.agentIdentity"
    assert agent["servicePrincipalType"] == "ServiceIdentity"
