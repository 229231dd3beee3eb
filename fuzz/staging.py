"""From a world to a sandbox in which its attack has just happened."""

from dataclasses import dataclass, field

from fuzz.attacker import Attacker, Place
from fuzz.cluster_moves import foothold
from fuzz.cluster_seeds import repositories
from fuzz.grounds import Ground
from fuzz.loot import AUDIENCES, Proof
from fuzz.plants import Target
from fuzz.seeds import documents
from fuzz.tools import Tools
from fuzz.worlds import (
    Identity,
    Json,
    Trouble,
    Workload,
    World,
    application_id,
    client_id,
    made_id,
    object_id,
    victim_of,
    workload_name,
)


@dataclass
class Staged:
    """A world that stands, with its attacker in it."""

    world: World
    tools: Tools
    attacker: Attacker
    before: Json  # the state before the attack
    able: dict[str, bool]  # workload -> whether it could read its blob before the attack
    after_attack: Json = field(default_factory=dict)
    normal: Json = field(default_factory=dict)  # the same, in the sandbox's normal form

    @property
    def ground(self) -> Ground:
        """Addresses."""
        return self.tools.ground


async def stage(world: World, tools: Tools) -> Staged:
    """Seed, attack, and look."""
    ground = tools.ground
    zero = dict.fromkeys(await tools.control("GET", "delays"), 0)
    await tools.control("POST", "delays", zero)
    await tools.control("POST", "foreign-issuer", {"url_path": "partner-ci"})
    answers = [await tools.control("POST", "seed", one) for one in documents(world, ground)]
    for cluster, wish in repositories(world, ground):
        await tools.control("POST", f"clusters/{cluster}/gitops", wish)
    before = await tools.state(clusters=True)
    able = {workload_name(one): await reads(tools, before, one) for one in world["workloads"]}
    attacker = _attacker(world, tools)
    staged = Staged(world, tools, attacker, before, able)
    await _break_in(world, attacker, answers[-1], before)
    await attacker.turn("the attack")
    target = target_of(victim_of(world), ground)
    for name in world["attack"]["plants"]:
        await attacker.plant(name, target, "the attack")
        await attacker.turn("the attack")
    attacker.targets = [target]
    attacker.stubborn = world["attack"]["stubborn"]
    attacker.deeds.clear()
    staged.after_attack = await tools.state(clusters=True)
    staged.normal = await tools.control("GET", "state?form=normal")
    for cluster, trouble in world["troubles"].items():
        if trouble != "falls":
            await trouble_of(tools, cluster, trouble)
    await tools.control("POST", "delays", {**zero, **world["delays"]})
    return staged


async def trouble_of(tools: Tools, cluster: str, trouble: Trouble) -> None:
    """Something is wrong with a cluster from now on."""
    switches = {"webhook_ready": False} if trouble == "webhook" else {"api_server": "reset"}
    await tools.control("POST", f"clusters/{cluster}", switches)


async def mended(tools: Tools, cluster: str) -> None:
    """Nothing is wrong with it any more."""
    await tools.control("POST", f"clusters/{cluster}", {"webhook_ready": True, "api_server": "up"})


async def reads(tools: Tools, state: Json, workload: Workload) -> bool:
    """Whether every pod of it runs and reads its blob, with the identity that it has. No pod, no."""
    pods = [
        pod
        for pod in state["clusters"][workload["cluster"]]["pods"]
        if pod["metadata"]["namespace"] == workload["namespace"]
        and (pod["metadata"].get("labels") or {}).get("app") == workload["name"]
        and not pod["metadata"].get("deletionTimestamp")
    ]
    answers = [await _read_in(tools, workload, pod["metadata"]["name"]) for pod in pods]
    return bool(answers) and all(answers)


async def _read_in(tools: Tools, workload: Workload, pod: str) -> bool:
    path = f"nodes/{workload['cluster']}/pods/{workload['namespace']}/{pod}/run"
    url = tools.ground.blob_url(workload["reads"])
    try:
        said = await tools.control("POST", path, {"url": url, "resource": AUDIENCES["storage"]})
    except LookupError:
        return False
    return bool(said["status"] == 200)


def target_of(identity: Identity, ground: Ground) -> Target:
    """As anybody can look it up."""
    name = identity["name"]
    is_application = identity["kind"].startswith("application")
    is_managed = identity["kind"] == "user_assigned_identity"
    return Target(
        name,
        client_id(name),
        object_id(name),
        application_id(name) if is_application else "",
        ground.identity_id(name) if is_managed else "",
    )


def _attacker(world: World, tools: Tools) -> Attacker:
    ground = tools.ground
    groups = {role["through"] for one in world["identities"] for role in one["roles"]} - {""}
    attacker = Attacker(
        tools,
        _places(world, ground),
        tuple(made_id("group", name) for name in sorted(groups)),
        (
            ground.scope("root"),
            ground.subscription,
            ground.group,
            *map(ground.store_id, world["stores"]),
        ),
    )
    victim = world["victim"]
    attacker.loot.clients[client_id(victim)] = object_id(victim)
    attacker.inside.patient = world["attack"]["patient"]
    attacker.inside.accounts = [
        (one["cluster"], one["namespace"], one["account"])
        for one in world["workloads"]
        if one["identity"] == victim
    ]
    return attacker


def _places(world: World, ground: Ground) -> list[Place]:
    arm, graph = ground.endpoints["arm"], ground.endpoints["graph"]
    stores = world["stores"]
    found = [Place("blob", "storage", "GET", ground.blob_url(one), one) for one in stores]
    found += [
        Place(
            "blob",
            "storage",
            "PUT",
            f"{ground.endpoints['storage']}/{one}/data/mine",
            f"into {one}",
        )
        for one in stores
    ]
    for vault in world["vaults"]:
        kind = "vault by role" if vault["readers"] is None else "vault by policy"
        found.append(Place(kind, "vault", "GET", ground.secret_url(vault["name"]), vault["name"]))
    found += [
        Place("arm", "arm", "GET", f"{arm}{ground.store_id(one)}?api-version=2023-01-01", one)
        for one in stores
    ]
    found += [
        Place("graph", "graph", "GET", f"{graph}/v1.0/{what}?$top=1", what)
        for what in ("applications", "users", "groups")
    ]
    for cluster in sorted({one["cluster"] for one in world["workloads"]}):
        origin = ground.endpoints[f"kube-{cluster}"]
        found.append(Place("cluster", "aks", "GET", f"{origin}/api/v1/pods", cluster))
    return found


async def _break_in(world: World, attacker: Attacker, seeded: Json, state: Json) -> None:
    """What the attacker begins with."""
    loot = attacker.loot
    values: dict[tuple[str, str, int], Json] = {}
    for part, held in (("passwordCredentials", "secret"), ("keyCredentials", "certificate")):
        names = [
            (one["name"], at)
            for one in world["identities"]
            for at in range(len(one["secrets" if held == "secret" else "certificates"]))
        ]
        for (name, at), made in zip(names, seeded[part], strict=True):
            values[held, name, at] = made
    for one in world["attack"]["footholds"]:
        match one["how"]:
            case "secret":
                made = values["secret", one["of"], one["which"]]
                how = f"leaked secret {one['which']} of {one['of']}"
                loot.proofs[how] = Proof(how, "secret", made["secret"], (), client_id(one["of"]))
            case "certificate":
                made = values["certificate", one["of"], one["which"]]
                how = f"leaked key {one['which']} of {one['of']}"
                detail = (made["thumbprint"],)
                key = made["private_key"]
                loot.proofs[how] = Proof(how, "certificate", key, detail, client_id(one["of"]))
            case "person":
                loot.people.append(made_id("person", one["of"]))
                for audience in AUDIENCES:
                    await attacker.tools.phish(one["of"], audience, loot)
            case "machine":
                how = f"code on {one['of']}"
                loot.proofs[how] = Proof(how, "machine", "", (one["of"],))
            case "pod":
                found = next(w for w in world["workloads"] if workload_name(w) == one["of"])
                where = found["cluster"], found["namespace"], found["account"]
                pods = state["clusters"][found["cluster"]]["pods"]
                loot.footholds.append(foothold(*where, pods))
