"""Where everything else is: the one unauthenticated operation of ARM.

Simulates   GET /metadata/endpoints
Faithful    property names and which of the values end in a slash; one object from 2020-09-01 on, a
            list of clouds before
Left out    services that the sandbox doesn't have point at Azure's real suffixes
Source      https://learn.microsoft.com/rest/api/resources/ and Azure CLI's cloud discovery,
            https://learn.microsoft.com/cli/azure/manage-clouds-azure-cli
"""

from starlette.responses import JSONResponse, Response

from sandbox.arm.errors import ArmError
from sandbox.web import Call, Route
from sandbox.world import Json, World

_LISTS = ("2018-05-01", "2019-05-01", "2020-06-01")
_OBJECTS = ("2020-09-01", "2022-09-01", "2023-01-01")


async def endpoints(world: World, call: Call) -> Response:
    """200 always but for a missing or unknown api-version, which is 400."""
    version = call.query.get("api-version", "")
    if not version:
        raise ArmError(
            400,
            "MissingApiVersionParameter",
            "The api-version query parameter (?api-version=) is required for all requests.",
        )
    if version in _OBJECTS:
        return JSONResponse(_cloud(world))
    if version in _LISTS:
        return JSONResponse([_cloud(world)])
    raise ArmError(
        400,
        "InvalidApiVersionParameter",
        f"The api-version '{version}' is invalid. "
        f"The supported versions are '{','.join(reversed(_LISTS + _OBJECTS))}'.",
    )


def _cloud(world: World) -> Json:
    origin = world.endpoints
    return {
        "name": "FirebreakSandbox",
        "portal": "https://portal.azure.com",
        "authentication": {
            "loginEndpoint": origin["login"],
            "audiences": ["https://management.core.windows.net/", "https://management.azure.com/"],
            "tenant": "common",
            "identityProvider": "AAD",
        },
        "resourceManager": f"{origin['arm']}/",
        "microsoftGraphResourceId": f"{origin['graph']}/",
        "logAnalyticsResourceId": origin["loganalytics"],
        "graph": "https://graph.windows.net/",
        "graphAudience": "https://graph.windows.net/",
        "gallery": "https://gallery.azure.com/",
        "batch": "https://batch.core.windows.net/",
        "media": "https://rest.media.azure.net",
        "sqlManagement": "https://management.core.windows.net:8443/",
        "activeDirectoryDataLake": "https://datalake.azure.net/",
        "vmImageAliasDoc": "https://raw.githubusercontent.com/Azure/azure-rest-api-specs/main/"
        "arm-compute/quickstart-templates/aliases.json",
        "appInsightsResourceId": "https://api.applicationinsights.io",
        "attestationResourceId": "https://attest.azure.net",
        "synapseAnalyticsResourceId": "https://dev.azuresynapse.net",
        "ossrDbmsResourceId": "https://ossrdbms-aad.database.windows.net",
        "suffixes": {
            "acrLoginServer": "azurecr.io",
            "sqlServerHostname": "database.windows.net",
            "keyVaultDns": "vault.azure.net",
            "mhsmDns": "managedhsm.azure.net",
            "storage": "core.windows.net",
            "storageSyncEndpointSuffix": "afs.azure.net",
            "mysqlServerEndpoint": "mysql.database.azure.com",
            "postgresqlServerEndpoint": "postgres.database.azure.com",
            "mariadbServerEndpoint": "mariadb.database.azure.com",
            "synapseAnalytics": "dev.azuresynapse.net",
            "attestationEndpoint": "attest.azure.net",
        },
    }


ROUTES = [Route("GET", "/metadata/endpoints", endpoints)]
