"""The port to Azure: settings, endpoints, one credential, the official SDK clients, per event loop and identity.

Importing this module is cheap; every SDK is loaded by the first call that needs it. Clients are
shared by all incidents of a process: an open connection and a token save seconds when they count.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast
from weakref import WeakKeyDictionary

from responders import connections
from responders.calls import azure_call
from responders.connections import Connections
from responders.errors import ContractChangedError, RefusedError
from responders.needs import AzureNeed, Needs
from responders.read_only import is_read_only, read_only, refuse_write_in_plan
from responders.settings import Hand, Settings, checked_guid
from responders.tokens import Tokens, claims_of

if TYPE_CHECKING:
    from azure.mgmt.authorization.v2022_04_01.aio import AuthorizationManagementClient
    from azure.mgmt.containerservice.aio import ContainerServiceClient
    from azure.mgmt.monitor.aio import MonitorManagementClient
    from azure.mgmt.resource.subscriptions.aio import SubscriptionClient
    from azure.monitor.query.aio import LogsQueryClient

    from responders.arm import Arm

__all__ = ["Cloud", "is_read_only", "read_only", "refuse_write_in_plan"]

C = TypeVar("C")

_connected: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Hand, "Cloud"]] = WeakKeyDictionary()
_connecting: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()


REMEMBERED_S = 60.0
NEEDS: Final = Needs(
    azure=(
        AzureNeed(
            "Microsoft.Resources/subscriptions/read",
            "which subscriptions there are",
            ("Cloud.subscription_ids",),
            untried="the list shows a subscription to whoever has any role in it",
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class _Kept:
    """An answer that came or is on its way, and until when it is believed (monotonic seconds)."""

    answer: "asyncio.Future[Any]"
    ends: float


def _has_failed(answer: "asyncio.Future[Any]") -> bool:
    return answer.done() and (answer.cancelled() or answer.exception() is not None)


def _object_id(token: str) -> str:
    match claims_of(token):
        case {"oid": str(object_id)}:
            return checked_guid(object_id, "oid of our own token")
        case _:
            raise ContractChangedError("our own access token has no oid")


class Cloud:
    """Everything outside, for one event loop and one identity: open connections can't move between loops."""

    def __init__(self, opened: Connections, hand: Hand = "containment") -> None:
        self.settings = opened.settings
        self.endpoints = opened.endpoints
        self.http = opened.http  # trusts the same authorities; carries no token by itself
        self.graph = opened.graph(hand)
        self.hand = hand
        self._opened = opened
        self._tokens = opened.tokens[hand]
        self._transport = opened.transport
        self._clients: dict[str, Any] = {}
        self._answers: dict[str, _Kept] = {}

    @classmethod
    async def connect(cls, hand: Hand = "containment") -> "Cloud":
        """The one of this event loop that acts as this identity, made from the environment with the first call.

        Where only one identity is deployed, it does all. Raises `RefusedError` for wrong settings,
        `TransientError` where ARM can't be reached.
        """
        loop = asyncio.get_running_loop()
        async with _connecting.setdefault(loop, asyncio.Lock()):
            if loop not in _connected:
                opened = await connections.open_all(Settings.from_environ())
                _connected[loop] = {one: cls(opened, one) for one in opened.tokens}
            return _connected[loop].get(hand) or _connected[loop]["containment"]

    async def acting_as(self, hand: Hand) -> "Cloud":
        """The one beside this one, to ask what the other identity may do: nothing is ever done by it like this."""
        return self if hand == self.hand else await Cloud.connect(hand)

    async def close(self) -> None:
        """Close every connection, of both identities. The next `connect` in this loop starts anew."""
        _connected.pop(asyncio.get_running_loop(), None)
        for tokens in self._opened.tokens.values():
            await tokens.close()
        await self.http.aclose()
        if self._transport.session is not None:
            await self._transport.session.close()

    @property
    def tenant_id(self) -> str:
        """The tenant that we defend."""
        return self.settings.tenant_id

    async def get_token(self, scope: str) -> str:
        """A bearer token of our own identity. Never log it, never put it into a result."""
        async with azure_call(f"token for {scope}"):
            return (await self._tokens.get_token(scope)).token

    async def own_object_id(self) -> str:
        """The service principal that we act as: it must never be an incident's principal."""
        return _object_id(await self.get_token(self.endpoints.arm_scope))

    async def own_object_ids(self) -> frozenset[str]:
        """Ours, whoever of us acts: what one of them did is never somebody else's.

        Another one that gets no token is left out: nothing can be done as it, and what was done counts as a stranger's.
        """
        own, others = await asyncio.gather(self.own_object_id(), self._other_ids())
        return others | {own}

    async def _other_ids(self) -> frozenset[str]:
        others = [one for one in self._opened.tokens.values() if one is not self._tokens]
        found = await asyncio.gather(*map(self._id_of, others))
        return frozenset(one for one in found if one is not None)

    async def _id_of(self, tokens: Tokens) -> str | None:
        scope = self.endpoints.arm_scope
        try:
            async with azure_call(f"token for {scope}"):
                return _object_id((await tokens.get_token(scope)).token)
        except RefusedError:
            return None

    async def subscription_ids(self) -> list[str]:
        """Every subscription that we can see. None at all is refused: it would look like peace."""
        return await self.remembered("subscriptions", self._subscription_ids)

    async def _subscription_ids(self) -> list[str]:
        async with azure_call("list of subscriptions"):
            found = [
                one.subscription_id
                async for one in self.subscriptions().subscriptions.list()
                if one.subscription_id
            ]
        if not found:
            raise RefusedError(
                "Firebreak's identity sees no subscription: give it Firebreak Containment where it guards"
            )
        return found

    async def remembered(self, what: str, ask: Callable[[], Awaitable[C]]) -> C:
        """The answer of at most a minute ago, asked for once however many want it now; errors are not kept.

        For what a whole incident shares and nobody under attack can change: which scopes we see, what roles
        are called. Never for what a lever reads back.
        """
        kept = self._answers.get(what)
        if kept is not None and kept.ends > time.monotonic() and not _has_failed(kept.answer):
            return await asyncio.shield(cast("asyncio.Future[C]", kept.answer))
        answer = asyncio.ensure_future(ask())
        self._answers[what] = _Kept(answer, time.monotonic() + REMEMBERED_S)
        return await asyncio.shield(answer)

    @property
    def arm(self) -> "Arm":
        """Resource Manager for what the SDK's clients lack, over the same transport and tokens."""
        from responders import arm  # noqa: PLC0415

        if "arm" not in self._clients:
            self._clients["arm"] = arm.connect(
                self._transport, self._tokens, self.endpoints.arm, self.endpoints.arm_scope
            )
        client: Arm = self._clients["arm"]
        return client

    def authorization(self, subscription_id: str) -> "AuthorizationManagementClient":
        """Role assignments, api-version 2022-04-01."""
        from azure.mgmt.authorization.v2022_04_01.aio import (  # noqa: PLC0415
            AuthorizationManagementClient,
        )

        return self._client(AuthorizationManagementClient, subscription_id)

    def monitor(self, subscription_id: str) -> "MonitorManagementClient":
        """The activity log of a subscription, api-version 2015-04-01."""
        from azure.mgmt.monitor.aio import MonitorManagementClient  # noqa: PLC0415

        return self._client(MonitorManagementClient, subscription_id)

    def containers(self, subscription_id: str) -> "ContainerServiceClient":
        """AKS clusters and their user credentials."""
        from azure.mgmt.containerservice.aio import ContainerServiceClient  # noqa: PLC0415

        return self._client(ContainerServiceClient, subscription_id)

    def subscriptions(self) -> "SubscriptionClient":
        """Subscriptions that our identity can see."""
        from azure.mgmt.resource.subscriptions.aio import SubscriptionClient  # noqa: PLC0415

        return self._client(SubscriptionClient)

    def logs(self) -> "LogsQueryClient":
        """Log Analytics queries."""
        from azure.monitor.query.aio import LogsQueryClient  # noqa: PLC0415

        from responders.transports import BoundedRetryPolicy  # noqa: PLC0415

        if "logs" not in self._clients:
            self._clients["logs"] = LogsQueryClient(
                self._tokens,
                endpoint=self.endpoints.logs,
                audience=self.endpoints.logs_scope.removesuffix("/.default"),
                transport=self._transport,
                retry_policy=BoundedRetryPolicy(),
            )
        client: LogsQueryClient = self._clients["logs"]
        return client

    def _client(self, kind: Callable[..., C], *subscription_id: str) -> C:
        from responders.transports import BoundedRetryPolicy  # noqa: PLC0415

        key = "/".join((kind.__name__, *subscription_id))
        if key not in self._clients:
            self._clients[key] = kind(
                self._tokens,
                *(checked_guid(one, "subscription id") for one in subscription_id),
                base_url=self.endpoints.arm,
                credential_scopes=[self.endpoints.arm_scope],
                transport=self._transport,
                retry_policy=BoundedRetryPolicy(),
            )
        client: C = self._clients[key]
        return client
