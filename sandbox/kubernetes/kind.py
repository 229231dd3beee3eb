"""What a resource is: its names, its scope, and where its wire behaviour differs from the others'.

Source   https://kubernetes.io/docs/reference/using-api/api-concepts/#standard-api-terminology
"""

from dataclasses import dataclass, field

from sandbox.world import Json

_ALL_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True, slots=True)
class Definition:
    """What a CustomResourceDefinition says of its resource beyond the names."""

    schema: Json  # openAPIV3Schema, structural
    columns: tuple[Json, ...] = ()  # additionalPrinterColumns
    categories: tuple[str, ...] = ()
    replicas_paths: Json = field(default_factory=dict)  # of the scale subresource


@dataclass(frozen=True, slots=True)
class Kind:
    """A resource at the one version that is served here."""

    group: str
    plural: str
    kind: str
    short_names: tuple[str, ...] = ()
    namespaced: bool = True
    subresources: tuple[str, ...] = ()
    verbs: tuple[str, ...] = _ALL_VERBS
    answers_delete_with_object: bool = False  # the others answer with a Status
    counts_generation: bool = False
    in_all: bool = False  # `kubectl get all`
    version: str = "v1"
    definition: Definition | None = field(default=None, compare=False, repr=False)

    @property
    def api_version(self) -> str:
        """`v1` or `apps/v1`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def base(self) -> str:
        """`/api/v1` or `/apis/apps/v1`."""
        return f"/apis/{self.api_version}" if self.group else f"/api/{self.version}"

    @property
    def singular(self) -> str:
        """The name that discovery gives for one of them."""
        return self.kind.lower()

    @property
    def group_resource(self) -> str:
        """`deployments.apps`, as messages name it."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def is_stored(self) -> bool:
        """False for reviews, which are questions and not objects."""
        return "get" in self.verbs
