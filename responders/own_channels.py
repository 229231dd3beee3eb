"""Where people are told, as far as settings show it. What they do not show is said, too."""

from responders import notices
from responders.own_checks import Row
from responders.settings import Settings

_TEAMS, _EVENTS = "Teams", "Event Grid"
_SET_ONE = "set FIREBREAK_TEAMS_WEBHOOK_URL: docs/how-to/teams.md"


def look(settings: Settings) -> list[Row]:
    """A row for each channel. That the flow is there and posts is proven by a card alone."""
    return [_teams(settings), _events(settings)]


def _teams(settings: Settings) -> Row:
    url = settings.teams_webhook_url
    if not url and settings.event_grid_topic:
        return Row("note", "not set: people are told by events alone", _SET_ONE, _TEAMS)
    if not url:
        return Row("failed", "not set: nobody is told of anything", _SET_ONE, _TEAMS, grave=True)
    if notices.is_unresolved(url):
        said = "its Key Vault reference leads to no secret: nobody is told"
        fix = "put the URL there, and let the app's identity read it: docs/how-to/deploy.md, step 3"
        return Row("failed", said, fix, _TEAMS, grave=True)
    said = (
        f"set, as {settings.teams_webhook_shape}. Whether its host answers is among the endpoints; that the flow is on "
        "and posts is proven by a card alone"
    )
    return Row("ok", said, "firebreak doctor --send-test-card posts one", _TEAMS)


def _events(settings: Settings) -> Row:
    if settings.event_grid_topic is None:
        fix = "set FIREBREAK_EVENT_GRID_TOPIC where somebody builds on them: docs/how-to/events.md"
        return Row("note", "not set: no events are published", fix, _EVENTS)
    return Row("ok", "set; that an event is delivered is for its subscriber to see", about=_EVENTS)
