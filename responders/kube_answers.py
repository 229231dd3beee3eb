"""What an API server's answer means: JSON, text, or an error named by what happens next.

Source   https://kubernetes.io/docs/reference/using-api/api-concepts/
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from responders.errors import (
    ConflictError,
    ContractChangedError,
    NotFoundError,
    RefusedError,
    ResponderError,
    TransientError,
)
from responders.kube_requests import Request
from responders.model import Json

NO_ANSWER = 0  # the request was tried, and nothing came back
UNTRUSTED = -1  # the certificate is not signed by the cluster's CA: nothing was sent
GONE = 410  # a list's continue token outlived its snapshot: read again from the top
_TRANSIENT = {NO_ANSWER, 408, GONE, 425, 429}  # and every 5xx
# 'serviceaccounts "a" is forbidden: User "u" cannot patch resource "serviceaccounts" in API group
# "" in the namespace "shop"', or '... at the cluster scope'
_FORBIDDEN = re.compile(
    r'User "(?P<user>[^"]+)" cannot (?P<verb>\w+) resource "(?P<resource>[^"]+)" '
    r'in API group "(?P<group>[^"]*)"'
)
_VERBS = {"GET": "get", "POST": "create", "PATCH": "patch", "DELETE": "delete"}


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer, read to its end."""

    cluster: str
    request: Request
    status: int
    headers: Mapping[str, str]  # names in lower case
    text: str

    def json(self) -> Json:
        """The object that was promised. Raises the error that the status stands for."""
        self.raise_for_status()
        try:
            found = json.loads(self.text)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise ContractChangedError(f"{self._where()}: not a JSON object: {self.text[:120]!r}")
        return found

    def raise_for_status(self) -> None:
        """Nothing for 2xx; else the `ResponderError` that says what to do next."""
        if not 200 <= self.status < 300:
            raise self._error()

    def is_worth_repeating(self) -> bool:
        """Reads are; a write only where the server says that it did not take it (429)."""
        return self.status == 429 or (
            self.request.method == "GET" and self._is_transient() and self.status != GONE
        )

    def retry_after_s(self) -> float | None:
        """The server's wish in seconds, if it has one; an API server never sends the date form."""
        wish = self.headers.get("retry-after", "")
        return float(wish) if wish.isdigit() else None

    def _is_transient(self) -> bool:
        return self.status in _TRANSIENT or self.status >= 500

    def _error(self) -> ResponderError:
        said = f"{self._where()}: {self.status or 'no answer'}: {self._message()}{self._audit_id()}"
        if self.status in (UNTRUSTED, 401, 403):
            return RefusedError(f"{said}. {self._what_a_person_can_do()}")
        if self.status == 404:
            return NotFoundError(said)
        if self.status == 409:
            return ConflictError(said)
        if self._is_transient():
            return TransientError(said)
        return ContractChangedError(said)

    def _where(self) -> str:
        return f"{self.cluster}: {self.request.method} {self.request.path}"

    def _message(self) -> str:
        try:
            return str(json.loads(self.text)["message"])
        except (ValueError, KeyError, TypeError):
            return self.text.strip()[:200] or "empty body"

    def _audit_id(self) -> str:
        found = self.headers.get("audit-id")
        return f" (Audit-Id {found})" if found else ""

    def _what_a_person_can_do(self) -> str:
        if self.status == UNTRUSTED:
            return (
                "Nothing was sent. If the cluster's CA was just rotated, try again; otherwise "
                "somebody stands in between: compare the server address with `az aks show`"
            )
        if self.status == 401:
            return (
                "The cluster does not accept this identity's Entra token. AKS-managed Entra "
                "integration has to be on: az aks show --query aadProfile"
            )
        return self._how_to_allow()

    def _how_to_allow(self) -> str:
        """The missing verb, and the command with which a cluster administrator grants it."""
        if not (found := _FORBIDDEN.search(self._message())):
            verb = _VERBS[self.request.method]
            return f"A cluster administrator has to allow `{verb}` on {self.request.path}"
        verb, user, (noun, _, sub) = found["verb"], found["user"], found["resource"].partition("/")
        full = ".".join(filter(None, (noun, found["group"]))) + (f"/{sub}" if sub else "")
        role = "-".join(filter(None, ("firebreak", verb, noun, sub)))
        return (
            f"Missing: {verb} {full}. Allow it: "
            f"kubectl create clusterrole {role} --verb={verb} --resource={full} && "
            f"kubectl create clusterrolebinding {role} --clusterrole={role} --user={user}"
        )
