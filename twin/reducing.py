"""What is left of texts that may hold more than a client id. Pure.

A text that is the client id stays; one that holds it somewhere says so, and nothing of what else stands in it.
"""

from responders.inventory_cuts import holds, says
from responders.settings import is_guid
from responders.workload_objects import CLIENT_ID_VARIABLE
from twin.choosing import templates
from twin.cluster_model import Object
from twin.workload_model import Container, Driver, PodSpec, Variable

_HIDDEN = "…"
# Of a driver's or provider's parameters: those that name an identity, a tenant, a vault, a class or a kind of disk.
_PARAMETERS = frozenset(
    {
        "clientid",
        "userassignedidentityid",
        "usepodidentity",
        "usevmmanagedidentity",
        "tenantid",
        "keyvaultname",
        "secretproviderclass",
        "skuname",
    }
)


def reduce(found: Object, client_id: str) -> None:
    """In place."""
    spec = found.spec
    if spec is not None:
        for pods in (spec, *(one.spec for one in templates(found))):
            _pods(pods, client_id)
        if spec.parameters is not None:
            spec.parameters = _parameters(spec.parameters)
        if spec.csi is not None:
            _driver(spec.csi)
    if found.parameters is not None:
        found.parameters = _parameters(found.parameters)


def entries(data: dict[str, str], other: set[str], client_id: str) -> dict[str, str]:
    """Of a ConfigMap as an inventory keeps it: `other` are entries of another identity, or of none."""
    return {
        name: value if name in other or says(value, client_id) else _inside(client_id)
        for name, value in data.items()
    }


def _pods(spec: PodSpec, client_id: str) -> None:
    for container in (*(spec.initContainers or []), *(spec.containers or [])):
        _container(container, client_id)
    for volume in spec.volumes or []:
        if volume.csi is not None:
            _driver(volume.csi)


def _container(container: Container, client_id: str) -> None:
    if container.env is not None:
        container.env = [
            _variable(one, client_id)
            for one in container.env
            if one.name == CLIENT_ID_VARIABLE or holds(one.value, client_id)
        ]
    if container.args is not None:
        container.args = [
            one if says(one, client_id) else _inside(client_id) for one in container.args
        ]


def _variable(one: Variable, client_id: str) -> Variable:
    if one.value is None or says(one.value, client_id):
        return one
    value = _inside(client_id) if holds(one.value, client_id) else _other(one.value)
    return Variable(name=one.name, value=value)


def _other(value: str) -> str:
    """Another identity's id is no secret; whatever else stands there may be one."""
    return value if is_guid(value) or not value else _HIDDEN


def _inside(client_id: str) -> str:
    return f"{_HIDDEN}{client_id}{_HIDDEN}"


def _driver(found: Driver) -> None:
    """What was not said stays unsaid."""
    if found.volumeAttributes is not None:
        found.volumeAttributes = _parameters(found.volumeAttributes)


def _parameters(found: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in found.items() if name.lower() in _PARAMETERS}
