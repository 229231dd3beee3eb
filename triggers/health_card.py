"""A card that says that it is a test: that a webhook is set proves nothing about whether anybody hears."""

from typing import Final

from playbooks import addresses
from responders import cards, notices
from responders.cloud import Cloud
from responders.errors import RefusedError, ResponderError
from responders.model import Json
from triggers.people import Person

_TITLE: Final = "Firebreak: a test of this channel"


async def send(person: Person) -> Json:
    """Whether the workflow took it, and in which words."""
    card = cards.Card(
        _TITLE,
        "good",
        "nothing: somebody wanted to know whether you hear of incidents here",
        facts=[("Sent by", person.name)],
        links=[("Incidents", addresses.page_url("/incidents"))],
    )
    try:
        said = await notices.send(await Cloud.connect(), cards.content(card))
    except RefusedError as refused:
        return {"status": "refused", "detail": str(refused)}
    except ResponderError as trouble:
        return {"status": "failed", "detail": str(trouble)}
    return {"status": said["status"], "detail": said.get("detail", "")}
