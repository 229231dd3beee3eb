"""What Firebreak's two identities are given is enough, and each of it is necessary: taken away, something turns red.

Enough: every drill and every play is carried out with exactly what the permission file says, since the sandbox gives
nothing else. Necessary: each permission is taken away by itself, and the cheapest play that used it is played again.
"""

import copy
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from responders import signing_key_rotations
from sandbox import granted
from tests.in_process import product_in
from tests.plays import BLOBS, CLUSTER, PLAYS, Facts
from tests.sandbox_fixture import RunningSandbox, running_sandbox

Json = dict[str, Any]
FILE: Json = json.loads(granted.FILE.read_text())
ALL, IDENTITIES = granted.FULL, "managed-identities-only"
OWNER = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
pytestmark = [pytest.mark.timeout(240)]

# Of which another one does as well, each with the reason: taken away by itself, nothing turns red.
TWICE = {
    f"rebuild azure {role}: Microsoft.ContainerService/locations/{kind}/read": (
        "a deployment has either of the two roles without the other, and each has to see how far its operation is"
    )
    for role in ("Firebreak Cluster Enabler", "Firebreak Signing Key Rotator")
    for kind in ("operations", "operationresults")
}
# Permission -> a cheap play that needs it: what everybody's run tries of the exhaustive test below.
SAMPLE = {
    "containment azure Firebreak Containment: Microsoft.Authorization/roleAssignments/read": "audit",
    "containment cluster list namespaces": "review",
    "rebuild graph Application.ReadWrite.All": "provision_application",
    "rebuild azure Firebreak Rebuild: Microsoft.Authorization/roleAssignments/write": "provision_application",
    "rebuild cluster create serviceaccounts": "provision_application",
}


@dataclass(frozen=True)
class Line:
    """A permission of the file, and the file without it."""

    name: str
    untried: str
    without: Json


def lines() -> Iterator[Line]:
    """Each of the file: an app role, an action in a role, a verb on a resource."""
    for hand, held in FILE["hands"].items():
        for at, one in enumerate(held["graph"]):
            yield _line(hand, "graph", one["role"], one, ("graph", at))
        for role, definition in enumerate(held["azure"]):
            for block in ("actions", "dataActions"):
                for at, one in enumerate(definition[block]):
                    name = f"{definition['role']}: {one['action']}"
                    yield _line(hand, "azure", name, one, ("azure", role, block, at))
        for at, one in enumerate(held["cluster"]):
            (what,) = one["resources"] or one["nonResourceURLs"]
            group = (one["apiGroups"] or [""])[0]
            for verb in one["verbs"]:
                name = granted.named(verb, what, group)
                yield _line(hand, "cluster", name, one, ("cluster", at), verb)


def _line(hand: str, kind: str, name: str, one: Json, at: tuple[Any, ...], verb: str = "") -> Line:
    less = copy.deepcopy(FILE)
    *way, last = at
    within = less["hands"][hand]
    for step in way:
        within = within[step]
    if verb and len(one["verbs"]) > 1:
        within[last]["verbs"].remove(verb)
    else:
        del within[last]
    return Line(f"{hand} {kind} {name}", one.get("untried", ""), less)


LINES = {one.name: one for one in lines()}


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    """A sandbox of one cluster, in which orders-api runs in every shape."""
    with running_sandbox(tmp_path_factory.mktemp("sandbox"), clusters=1) as sandbox:
        yield sandbox


@dataclass
class Theatre:
    """Where plays are played, with what is granted there."""

    sandbox: RunningSandbox
    folder: Path
    monkeypatch: pytest.MonkeyPatch
    played: int = 0

    async def play(
        self, name: str, permissions: Json, profile: str = ALL, *, world: str = "multi-cluster"
    ) -> Facts:
        """What is said of it. A play that does not come to its end is no green one either."""
        wish = {"world": world, "permissions": permissions, "profile": profile}
        self.sandbox.control("POST", "reset", wish)
        self.played += 1
        folder = self.folder / str(self.played)
        folder.mkdir()
        with self.monkeypatch.context() as patch:
            patch.setattr(signing_key_rotations, "POLL_S", 0.05)
            async with product_in(self.sandbox, patch, folder) as running:
                if name in BLOBS:
                    url = self.sandbox.seed["evidence"]["container_url"]
                    patch.setenv("FIREBREAK_EVIDENCE", url)
                try:
                    return await PLAYS[name](running)
                except Exception as broke:  # noqa: BLE001 - whatever it is, the play is not a green one
                    return {"outcome": f"broken by {type(broke).__name__}", "refused": []}


@pytest.fixture
def theatre(stage: RunningSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Theatre:
    return Theatre(stage, tmp_path, monkeypatch)


def is_red(facts: Facts, green: Facts) -> bool:
    """Whether somebody would notice: another end, another finding, a refusal that there was not."""
    if any(isinstance(one, dict) and "refused" in one for one in green.values()):
        return any(is_red(facts.get(name, {}), one) for name, one in green.items())
    rest = [
        {key: value for key, value in one.items() if key != "refused"} for one in (facts, green)
    ]
    return rest[0] != rest[1] or bool(set(facts["refused"]) - set(green["refused"]))


# --- Enough, and necessary -----------------------------------------------------------------------


@dataclass(frozen=True)
class Played:
    """One play with everything that is granted."""

    facts: Facts
    seconds: float
    counts: Json


@asynccontextmanager
async def _timed(seconds: list[float]) -> AsyncIterator[None]:
    began = time.monotonic()
    yield
    seconds.append(time.monotonic() - began)


_record: dict[str, Played] = {}
_plain: dict[str, Played] = {}  # the sample's, in a smaller world


async def record(theatre: Theatre) -> dict[str, Played]:
    """Every play once, and what each used."""
    for name in PLAYS.keys() - _record.keys():
        seconds: list[float] = []
        async with _timed(seconds):
            facts = await theatre.play(name, FILE)
        counts = theatre.sandbox.control("GET", "permissions")
        _record[name] = Played(facts, seconds[0], counts)
    return _record


def counted(played: Played, what: str) -> set[str]:
    """The permissions that let something through there: `used`, or `alone`."""
    return {
        f"{hand} {kind} {name}"
        for hand, kinds in played.counts.items()
        for kind, held in kinds.items()
        for name, counts in held.items()
        if counts[what]
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLE)
async def test_without_it_a_play_turns_red(theatre: Theatre, name: str) -> None:
    play = SAMPLE[name]
    if play not in _plain:
        facts = await theatre.play(play, FILE, world="plain")
        _plain[play] = Played(facts, 0, theatre.sandbox.control("GET", "permissions"))
    assert name in counted(_plain[play], "alone")

    assert is_red(await theatre.play(play, LINES[name].without, world="plain"), _plain[play].facts)


async def test_the_health_check_finds_each_identity_as_it_is_meant_to_be(theatre: Theatre) -> None:
    facts = await theatre.play("health", FILE, world="plain")

    assert [one for one in facts["rules"] if "permission" in one] == []
    assert [one for one in facts["refused"] if "may not" in one or "not allowed" in one] == []


@pytest.mark.exhaustive
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", [one for one in LINES if not LINES[one].untried])
async def test_each_permission_is_necessary(theatre: Theatre, name: str) -> None:
    if (reason := TWICE.get(name)) is not None:
        pytest.skip(reason)
    known = await record(theatre)
    needing = [play for play, one in known.items() if name in counted(one, "alone")]
    assert needing, "nothing uses it, or something else does as well"

    tried = sorted(needing, key=lambda one: known[one].seconds)
    for play in tried:
        if is_red(await theatre.play(play, LINES[name].without), known[play].facts):
            return
    pytest.fail(f"nobody would notice in {', '.join(tried)}")


@pytest.mark.exhaustive
@pytest.mark.timeout(1800)
async def test_every_permission_is_used_by_a_play_and_what_two_of_them_give_is_named(
    theatre: Theatre,
) -> None:
    known = await record(theatre)
    used = set().union(*(counted(one, "used") for one in known.values()))
    alone = set().union(*(counted(one, "alone") for one in known.values()))
    untried = {name for name, one in LINES.items() if one.untried}

    assert LINES.keys() - used - untried == set()
    assert used - alone == TWICE.keys()


@pytest.mark.exhaustive
@pytest.mark.timeout(1800)
async def test_nothing_is_refused_with_everything_that_is_granted(theatre: Theatre) -> None:
    known = await record(theatre)

    broken = {name: one.facts for name, one in known.items() if "broken" in str(one.facts)}
    assert broken == {}
    refused = {
        name: said
        for name, one in known.items()
        for said in one.facts.get("refused", [])
        if ": 403" in said or "is forbidden" in said
    }
    assert refused == {}


# --- An estate of managed identities alone ---------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "contain_identity",
        pytest.param("rebuild_identity", marks=pytest.mark.exhaustive),
        pytest.param("restore_identity", marks=pytest.mark.exhaustive),
    ],
)
async def test_managed_identities_need_no_right_to_write_in_the_directory(
    theatre: Theatre, name: str
) -> None:
    whole = await theatre.play(name, FILE, world="plain")
    less = await theatre.play(name, FILE, IDENTITIES, world="plain")

    assert not is_red(less, whole)
    held = theatre.sandbox.control("GET", "permissions")
    roles = {role for kinds in held.values() for role in kinds["graph"]}
    assert roles and all(".Read." in role for role in roles), roles


# --- Each hand is refused what is the other's --------------------------------------------------------


@dataclass(frozen=True)
class As:
    """Calls as one of the two."""

    sandbox: RunningSandbox
    hand: str

    def _token(self, resource: str) -> str:
        settings = self.sandbox.environment
        own = self.sandbox.seed["firebreak"][self.hand]["app_id"]
        answer = self.sandbox.http.get(
            settings["IDENTITY_ENDPOINT"],
            params={"api-version": "2019-08-01", "resource": resource, "client_id": own},
            headers={"X-IDENTITY-HEADER": settings["IDENTITY_HEADER"]},
        )
        return str(answer.json()["access_token"])

    def give(self, role: str, kind: str = "ServicePrincipal") -> httpx.Response:
        """A role at the orders' group."""
        scope = f"/subscriptions/{self.sandbox.described['subscription_id']}"
        to = "billing_api" if kind == "ServicePrincipal" else "dana"
        people = self.sandbox.seed["users"]
        body = {
            "roleDefinitionId": f"{scope}/providers/Microsoft.Authorization/roleDefinitions/{role}",
            "principalId": (people if to == "dana" else self.sandbox.seed)[to]["object_id"],
            "principalType": kind,
        }
        path = f"{scope}/resourceGroups/rg-orders/providers/Microsoft.Authorization/roleAssignments"
        return self.sandbox.http.put(
            f"{self.sandbox.endpoints['arm']}{path}/11111111-1111-4111-8111-111111111111",
            params={"api-version": "2022-04-01"},
            json={"properties": body},
            headers={"Authorization": f"Bearer {self._token('https://management.azure.com')}"},
        )

    def in_cluster(self, method: str, path: str, body: Json) -> int:
        """The status of a call to the API server."""
        token = self._token("6dae42f8-4368-4678-94ff-3960e28e3630")
        headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/merge-patch+json"
            if method == "PATCH"
            else "application/json",
        }
        url = f"{self.sandbox.endpoints[f'kube-{CLUSTER}']}{path}"
        answer = self.sandbox.http.request(method, url, content=json.dumps(body), headers=headers)
        return answer.status_code


def test_containment_gives_nobody_a_role(sandbox: RunningSandbox) -> None:
    refused = As(sandbox, "containment").give(READER)

    assert refused.status_code == 403
    error = refused.json()["error"]
    assert error["code"] == "AuthorizationFailed"
    own = sandbox.seed["firebreak"]["containment"]["object_id"]
    assert (
        f"with object id '{own}' does not have authorization to perform action" in error["message"]
    )
    assert "Microsoft.Authorization/roleAssignments/write" in error["message"]


def test_rebuild_gives_roles_to_workloads_and_never_owner_nor_to_people(
    sandbox: RunningSandbox,
) -> None:
    rebuild = As(sandbox, "rebuild")

    assert rebuild.give(OWNER).json()["error"]["code"] == "AuthorizationFailed"
    assert rebuild.give(READER, "User").json()["error"]["code"] == "AuthorizationFailed"
    assert rebuild.give(READER).status_code == 201


def test_in_a_cluster_one_proves_and_the_other_moves(sandbox: RunningSandbox) -> None:
    shop = "/api/v1/namespaces/shop/serviceaccounts/orders-api"
    deployment = "/apis/apps/v1/namespaces/shop/deployments/orders-api"
    patch: Json = {"metadata": {"annotations": {"a": "b"}}}
    wish: Json = {"spec": {"audiences": ["api://AzureADTokenExchange"]}}
    containment, rebuild = As(sandbox, "containment"), As(sandbox, "rebuild")

    assert containment.in_cluster("PATCH", deployment, patch) == 403
    assert rebuild.in_cluster("PATCH", deployment, patch) == 200
    assert containment.in_cluster("POST", f"{shop}/token", wish) == 201
    assert rebuild.in_cluster("POST", f"{shop}/token", wish) == 403


def test_the_app_itself_may_do_nothing(sandbox: RunningSandbox) -> None:
    state = sandbox.control("GET", "state")
    own = sandbox.seed["firebreak"]["object_id"]

    held = [*state["appRoleAssignments"], *(one["properties"] for one in state["roleAssignments"])]
    assert own not in {one["principalId"] for one in held}
