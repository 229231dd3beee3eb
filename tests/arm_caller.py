"""Calling the sandbox's ARM as somebody, without an SDK, so that a test sees what goes over the wire."""

from dataclasses import dataclass
from typing import Any

import httpx

from tests.sandbox_fixture import RunningSandbox

ARM = "https://management.azure.com"
RBAC = "2022-04-01"
GROUP = "rg-orders"


@dataclass
class ArmCaller:
    """One principal's calls."""

    sandbox: RunningSandbox
    token: str

    @property
    def subscription(self) -> str:
        """The subscription as a scope."""
        return f"/subscriptions/{self.sandbox.described['subscription_id']}"

    @property
    def group(self) -> str:
        """The attacked team's resource group as a scope."""
        return f"{self.subscription}/resourceGroups/{GROUP}"

    def __call__(
        self, method: str, path: str, *, version: str | None = RBAC, **rest: Any
    ) -> httpx.Response:
        """One call. `filter` becomes `$filter`."""
        query = dict(rest.pop("params", {}))
        if version is not None:
            query["api-version"] = version
        if "filter" in rest:
            query["$filter"] = rest.pop("filter")
        headers = {"Authorization": f"Bearer {self.token}", **rest.pop("headers", {})}
        url = self.sandbox.endpoints["arm"] + path
        return self.sandbox.http.request(method, url, params=query, headers=headers, **rest)


def as_firebreak(sandbox: RunningSandbox) -> ArmCaller:
    """The operator: Reader, RBAC administrator and more."""
    return ArmCaller(sandbox, managed_identity_token(sandbox, ARM))


def as_user(sandbox: RunningSandbox, name: str) -> ArmCaller:
    """A person. dana is User Access Administrator of rg-orders, vera is nobody."""
    return ArmCaller(sandbox, sandbox.sign_in(name, ARM))


def managed_identity_token(sandbox: RunningSandbox, resource: str) -> str:
    """A token of the operator, from the endpoint that App Service gives the app."""
    sandbox.operator()
    settings = sandbox.environment
    answer = sandbox.http.get(
        settings["IDENTITY_ENDPOINT"],
        params={"api-version": "2019-08-01", "resource": resource},
        headers={"X-IDENTITY-HEADER": settings["IDENTITY_HEADER"]},
    )
    return str(answer.json()["access_token"])
