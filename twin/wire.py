"""What an export is made of: objects as Azure, Graph and Kubernetes write them, cut to what stands here.

The models are the allow-list. Reading a tenant, what they do not name is left behind; reading a file, it is an error.
"""

from collections.abc import Iterable
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict

Json = dict[str, Any]
WireT = TypeVar("WireT", bound="Wire")


class Wire(BaseModel):
    """An object of which only these fields are known. What was not said stays unsaid."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


def cut(model: type[WireT], raw: object) -> WireT:
    """The object, less all that the model does not name. Raises `pydantic.ValidationError`."""
    return model.model_validate(raw, extra="ignore")


def cut_all(model: type[WireT], found: Iterable[object]) -> list[WireT]:
    """Each of them."""
    return [cut(model, one) for one in found]


def as_json(value: BaseModel) -> Json:
    """Plain JSON by the names on the wire, without what was never said."""
    return value.model_dump(mode="json", by_alias=True, exclude_unset=True)
