"""Names of calls: the same for every identity, and without anything that somebody chose."""

import pytest

from responders import url_templates

GUID = "94941ed0-04fe-5f1c-a467-5406a4fd6c70"
GROUP = "subscriptions/{id}/resourceGroups/{id}/providers"
OWN = f"subscriptions/{GUID}/resourceGroups/rg-shop/providers"
RISKY = "/v1.0/identityProtection/riskyServicePrincipals/confirmCompromised"


@pytest.mark.parametrize(
    ("path", "template"),
    [
        (f"/v1.0/servicePrincipals/{GUID}", "/v1.0/servicePrincipals/{id}"),
        (
            f"/v1.0/servicePrincipals(appId='{GUID}')/owners",
            "/v1.0/servicePrincipals(appId={id})/owners",
        ),
        (
            "/v1.0/applications/x/federatedIdentityCredentials/evil",
            "/v1.0/applications/{id}/federatedIdentityCredentials/{id}",
        ),
        ("/v1.0/applications/x/removePassword", "/v1.0/applications/{id}/removePassword"),
        ("/v1.0/directoryObjects/getByIds", "/v1.0/directoryObjects/getByIds"),
        ("/v1.0/$batch", "/v1.0/$batch"),
        (RISKY, RISKY),
        (
            f"/{OWN}/Microsoft.ContainerService/managedClusters/aks-weu/listClusterUserCredential",
            f"/{GROUP}/Microsoft.ContainerService/managedClusters/{{id}}/listClusterUserCredential",
        ),
        (
            f"/subscriptions/{GUID}/providers/Microsoft.Authorization/roleAssignments/{GUID}",
            "/subscriptions/{id}/providers/Microsoft.Authorization/roleAssignments/{id}",
        ),
        (
            f"/{OWN}/Microsoft.KeyVault/vaults/v/providers/Microsoft.Authorization/roleAssignments/r",
            f"/{GROUP}/Microsoft.KeyVault/vaults/{{id}}/providers/Microsoft.Authorization/roleAssignments/{{id}}",
        ),
        (
            "/providers/Microsoft.ResourceGraph/resources",
            "/providers/Microsoft.ResourceGraph/resources",
        ),
        ("/api/v1/namespaces/shop/pods/web-5d9", "/api/v1/namespaces/{namespace}/pods/{name}"),
        ("/api/v1/namespaces/shop", "/api/v1/namespaces/{name}"),
        (
            "/api/v1/namespaces/shop/serviceaccounts/orders/token",
            "/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token",
        ),
        ("/apis/apps/v1/deployments", "/apis/apps/v1/deployments"),
        (f"/v1/workspaces/{GUID}/query", "/v1/workspaces/{id}/query"),
        (f"/{GUID}/oauth2/v2.0/token", "/{tenant}/oauth2/v2.0/token"),
        ("/workflows/abc/triggers/manual/paths/invoke", url_templates.UNKNOWN),
        ("/evidence/incidents/inc-1/journal.jsonl", url_templates.UNKNOWN),
        ("/", url_templates.UNKNOWN),
    ],
)
def test_a_path_without_what_is_particular_in_it(path: str, template: str) -> None:
    assert url_templates.of(f"https://somewhere:8443{path}?sig=secret") == template
