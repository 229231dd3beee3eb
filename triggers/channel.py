"""A card about what a person just did to the app or an incident: one try, while the person waits for the answer."""

import asyncio

import structlog

from responders import cards, notices
from responders.cloud import Cloud
from responders.errors import ResponderError

_log = structlog.get_logger("firebreak.responder_api")
_TELL_S = 10  # what it tells of is kept by then


async def tell(card: cards.Card) -> str:
    """Whether people were told, and why not: what was done stands either way."""
    try:
        async with asyncio.timeout(_TELL_S):
            told = await notices.send(await Cloud.connect(), cards.content(card))
            return str(told["detail"])
    except TimeoutError:
        return f"nobody was told: no answer within {_TELL_S} s"
    except ResponderError as problem:
        _log.warning("nobody was told", title=card.title, reason=str(problem))
        return f"nobody was told: {problem}"
