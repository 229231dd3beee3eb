"""How ARM says no.

Source      https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/common-deployment-errors
"""

from collections.abc import Mapping

from starlette.responses import JSONResponse, Response

from sandbox.world import Json


class ArmError(Exception):
    """An answer other than success, in ARM's own code and words."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        headers: Mapping[str, str] | None = None,
        bare: bool = False,
    ) -> None:
        """`bare` leaves out the `error` envelope, as Microsoft.Insights does."""
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self._headers = headers
        self._bare = bare

    def response(self) -> Response:
        """The error as it goes over the wire."""
        inner: Json = {"code": self.code, "message": self.message}
        body = inner if self._bare else {"error": inner}
        return JSONResponse(body, self.status, headers=self._headers)


def resource_group_not_found(name: str) -> ArmError:
    """404 for a group that is not there."""
    return ArmError(404, "ResourceGroupNotFound", f"Resource group '{name}' could not be found.")


def resource_not_found(kind: str, name: str, group: str) -> ArmError:
    """404 for a resource that is not there."""
    return ArmError(
        404,
        "ResourceNotFound",
        f"The Resource '{kind}/{name}' under resource group '{group}' was not found. "
        "For more details please go to https://aka.ms/ARMResourceNotFoundFix",
    )


def subscription_not_found(name: str) -> ArmError:
    """404 for a subscription that is not there, or that the caller has nothing in."""
    return ArmError(404, "SubscriptionNotFound", f"The subscription '{name}' could not be found.")


def management_group_not_found(name: str) -> ArmError:
    """404 for a management group that is not there."""
    return ArmError(404, "NotFound", f"The management group '{name}' could not be found.")
