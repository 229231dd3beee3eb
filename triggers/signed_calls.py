"""A call of a person: who it is, whether they may, and what they sent, in this order."""

from typing import TypeVar

import azure.functions as func
from pydantic import BaseModel, ValidationError

from responders.errors import ResponderError
from triggers import people
from triggers.refusals import cannot_tell_who, refuse

Form = TypeVar("Form", bound=BaseModel)


async def admit(req: func.HttpRequest, role: str) -> people.Person | func.HttpResponse:
    """Who calls, where they hold the app role; or the answer that refuses them: 401, 403, 503."""
    try:
        person = await people.caller(req)
        person.must_be(role)
    except (people.NotSignedInError, people.NotAllowedError) as problem:
        return refuse(problem)
    except ResponderError as problem:
        return cannot_tell_who(problem)
    return person


async def read(
    req: func.HttpRequest, role: str, form: type[Form]
) -> tuple[people.Person, Form] | func.HttpResponse:
    """The person and the body; or the answer that refuses them: 401, 403, 400, 503."""
    person = await admit(req, role)
    if isinstance(person, func.HttpResponse):
        return person
    try:
        return person, form.model_validate_json(req.get_body())
    except ValidationError as problem:
        return refuse(problem)
