"""A call of a person: who it is, whether they may, and what they sent, in this order."""

from typing import TypeVar

import azure.functions as func
from pydantic import BaseModel, ValidationError

from triggers import people
from triggers.refusals import refuse

Form = TypeVar("Form", bound=BaseModel)


def read(
    req: func.HttpRequest, role: str, form: type[Form]
) -> tuple[people.Person, Form] | func.HttpResponse:
    """The person and the body; or the answer that refuses them: 401, 403, 400."""
    try:
        person = people.caller(req)
        person.must_be(role)
        return person, form.model_validate_json(req.get_body())
    except (people.NotSignedInError, people.NotAllowedError, ValidationError) as problem:
        return refuse(problem)
