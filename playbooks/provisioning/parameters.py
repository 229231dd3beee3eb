"""What a run of provision_identity is told."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from playbooks.provisioning import reading_yaml
from playbooks.provisioning.declarations import Identity, Name

# A repository of five hundred identities is half of it; more is a mistake, or an attack.
_MOST_CHARACTERS = 1_000_000
File = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_.@ -]{1,100}(/[a-zA-Z0-9_.@ -]{1,100}){0,10}$")]


class Provision(BaseModel):
    """Declarations by file name. Everything that is wrong with them is said at once, before anything begins."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)

    # None: what was applied last, as a schedule has it.
    declarations: Annotated[dict[File, str], Field(max_length=500)] = {}
    only: list[Name] = []  # of the declared; none: all of them
    remove_undeclared: bool = (
        False  # trusts and roles that an identity has and its document does not
    )

    @model_validator(mode="after")
    def _are_readable(self) -> "Provision":
        if (size := sum(map(len, self.declarations.values()))) > _MOST_CHARACTERS:
            raise ValueError(f"declarations: {size} characters; at most {_MOST_CHARACTERS} at once")
        if not self.declarations and not self.only:
            return self
        names = {one.name for one in reading_yaml.read(self.declarations)}
        if strange := sorted(set(self.only) - names):
            raise ValueError(f"only: {', '.join(strange)} is not declared")
        return self

    def identities(self) -> list[Identity]:
        """Those that this run is about, by name."""
        declared = reading_yaml.read(self.declarations) if self.declarations else []
        return sorted(
            (one for one in declared if not self.only or one.name in self.only),
            key=lambda one: one.name,
        )
