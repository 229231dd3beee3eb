"""Firebreak's own identities, and what they may do: exactly what the permission file gives each of them.

Two user-assigned ones, attached to its app. The app's system-assigned one is there as well, and may do nothing.
"""

from collections.abc import Mapping
from datetime import datetime

from sandbox.arm import sentinel_incidents
from sandbox.arm.definitions import new_role_assignment, new_role_definition
from sandbox.eventgrid import custom_topics
from sandbox.granted import Granted, Role
from sandbox.graph import shapes
from sandbox.kubernetes.cluster import Cluster, user
from sandbox.seed import event_topics, evidence_account, first_party, names
from sandbox.seed.managed_identities import attached, plant_identity
from sandbox.seed.names import CONTAINMENT, FIREBREAK, REBUILD, Ids
from sandbox.used import Held
from sandbox.world import Json, World, stable_guid

HANDS: Mapping[str, Ids] = {"containment": CONTAINMENT, "rebuild": REBUILD}


def plant_in_directory(world: World, graph: Json, since: datetime) -> None:
    """Their service principals with their app roles. Whatever they use is noted from here on."""
    system = shapes.new_managed_identity(
        FIREBREAK.name,
        created=since,
        resource_id=names.function_app(world),
        object_id=FIREBREAK.object_id,
        app_id=FIREBREAK.app_id,
    )
    world.directory.service_principals.put(system["id"], system, since=since)
    for name, ids in HANDS.items():
        plant_identity(world, names.own_identity(world, ids), ids, since)
        world.used.watch(ids.object_id, name, _held(world.granted[name]))
        for role in world.granted[name].graph:
            _give(world, ids, graph, role, since)


def function_app_identity(world: World) -> Json:
    """Of the app: all three."""
    mine = [attached(names.own_identity(world, ids), ids) for ids in HANDS.values()]
    return {
        "type": "SystemAssigned, UserAssigned",
        "principalId": FIREBREAK.object_id,
        "tenantId": world.tenant_id,
        "userAssignedIdentities": {key: one for each in mine for key, one in each.items()},
    }


def plant_in_azure(world: World) -> None:
    """Their custom roles, each assigned where it is meant for."""
    since = names.seeded_at(world)
    for name, ids in HANDS.items():
        for role in world.granted[name].azure:
            guid = stable_guid(f"role-definition/{role.name}/{role.scope}")
            scope = _scope(world, role.scope)
            definition = new_role_definition(
                role.name,
                guid=guid,
                description=f"What Firebreak's {name} identity may do: {role.scope}.",
                actions=role.actions,
                data_actions=role.data_actions,
                assignable_scopes=_assignable(world, scope),
                created=since,
            )
            world.azure.role_definitions.put(definition["id"].lower(), definition, since=since)
            _assign(world, ids, role, guid, since)


def plant_in_cluster(cluster: Cluster) -> None:
    """A ClusterRole for each."""
    for name, ids in HANDS.items():
        role = f"firebreak-{name}"
        cluster.seed_cluster_role(role, [dict(one) for one in cluster.world.granted[name].cluster])
        cluster.seed_cluster_role_binding(role, role=role, subjects=[user(ids.object_id)])


def rights_in_clusters(world: World) -> str:
    """What tells the ClusterRoles of this world from those of another one."""
    return stable_guid(repr([world.granted[name].cluster for name in HANDS]))


def described(world: World) -> Json:
    """For `sandbox.json`: the system-assigned one's ids, and those of each by name."""
    return {
        "object_id": FIREBREAK.object_id,
        "app_id": FIREBREAK.app_id,
        **{
            name: {
                "object_id": ids.object_id,
                "app_id": ids.app_id,
                "resource_id": names.own_identity(world, ids),
            }
            for name, ids in HANDS.items()
        },
    }


def _held(granted: Granted) -> Held:
    return {
        "graph": granted.graph,
        "azure": [one for role in granted.azure for one in role.permissions],
        "cluster": granted.in_clusters,
    }


def _scope(world: World, of: str) -> str:
    match of:
        case "guarded":
            return names.management_group(world.tenant_id)
        case "workspace" | "sentinel":
            return sentinel_incidents.workspace_id(world)
        case "evidence":
            return evidence_account.container_id(world, evidence_account.EVIDENCE)
        case "claims":
            return evidence_account.container_id(world, evidence_account.CLAIMS)
        case "topic":
            return custom_topics.resource_id(world, event_topics.OF_INCIDENTS)
    raise ValueError(f"the permission file names a scope that is unknown here: {of}")


def _assignable(world: World, scope: str) -> list[str]:
    """Where a role is meant to be assigned, and below a management group the subscriptions that it is for."""
    below = names.subscription(world)
    return [scope] if scope.startswith(below) else [scope, below]


def _give(world: World, ids: Ids, graph: Json, role: str, since: datetime) -> None:
    principal = world.directory.service_principals.get(ids.object_id) or {}
    grant = shapes.new_app_role_assignment(
        principal, graph, first_party.GRAPH_ROLES[role], created=since
    )
    world.directory.app_role_assignments.put(grant["id"], grant, since=since)


def _assign(world: World, ids: Ids, role: Role, guid: str, since: datetime) -> None:
    assignment = new_role_assignment(
        world,
        scope=_scope(world, role.scope),
        role=guid,
        principal_id=ids.object_id,
        name=stable_guid(f"role-assignment/{ids.object_id}/{role.name}/{role.scope}"),
        created=since,
        condition=role.condition,
        condition_version="2.0" if role.condition else None,
    )
    world.azure.role_assignments.put(assignment["id"].lower(), assignment, since=since)
