"""CustomResourceDefinitions: those that a cluster here can be given, and the resource that one makes.

Simulates   apiextensions.k8s.io/v1 with structural schemas, one served version each
Left out    conversion, CEL rules, validation of the definition itself, names that clash (the first one wins)
Source      https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/
"""

import json
from functools import cache
from pathlib import Path

from sandbox.kubernetes.kind import Definition, Kind
from sandbox.world import Json, copied


@cache
def _published() -> dict[str, Json]:
    """Plural -> the definition as its project publishes it."""
    file = Path(__file__).parent / "custom_resource_definitions.json"
    listed = json.loads(file.read_text(encoding="utf-8"))["definitions"]
    return {each["spec"]["names"]["plural"]: each for each in listed}


def plurals() -> set[str]:
    """The custom resources for which there is a published definition here."""
    return set(_published())


def published(plural: str) -> Json:
    """A copy of the published definition of this resource. Raises `KeyError`."""
    return copied(_published()[plural])


def establish(definition: Json, now: str) -> None:
    """Say in its status that the definition is served, as two controllers do within milliseconds."""
    spec = definition["spec"]
    names = spec["names"]
    names.setdefault("singular", names["kind"].lower())
    names.setdefault("listKind", f"{names['kind']}List")
    spec.setdefault("conversion", {"strategy": "None"})
    conditions = [
        ("NamesAccepted", "NoConflicts", "no conflicts found"),
        ("Established", "InitialNamesAccepted", "the initial names have been accepted"),
    ]
    definition["status"] = {
        "conditions": [
            {
                "type": type_,
                "status": "True",
                "lastTransitionTime": now,
                "reason": reason,
                "message": message,
            }
            for type_, reason, message in conditions
        ],
        "acceptedNames": copied(names),
        "storedVersions": [each["name"] for each in spec["versions"] if each["storage"]],
    }


def kind_of(definition: Json) -> Kind:
    """The resource that this stored definition makes: the same object for the same definition."""
    about = definition["metadata"]
    key = (about["uid"], about.get("generation", 1))
    if key not in _MADE:
        _MADE[key] = _kind(definition["spec"])
    return _MADE[key]


_MADE: dict[tuple[str, int], Kind] = {}


def _kind(spec: Json) -> Kind:
    names = spec["names"]
    version = next(each for each in spec["versions"] if each["served"])
    subresources = version.get("subresources", {})
    return Kind(
        spec["group"],
        names["plural"],
        names["kind"],
        tuple(names.get("shortNames", ())),
        spec["scope"] == "Namespaced",
        tuple(sorted(subresources)),
        counts_generation=True,
        in_all="all" in names.get("categories", ()),
        version=version["name"],
        definition=Definition(
            version.get("schema", {}).get("openAPIV3Schema", {}),
            tuple(version.get("additionalPrinterColumns", ())),
            tuple(names.get("categories", ())),
            subresources.get("scale", {}),
        ),
    )
