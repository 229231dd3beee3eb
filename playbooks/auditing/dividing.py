"""How the reading is shared out among steps, and what they read put together again. Pure, no I/O.

An orchestration replays all that it scheduled at each turn, so there are never more than some dozens of steps.
https://learn.microsoft.com/azure/azure-functions/durable/durable-functions-performance-and-scale
"""

from playbooks.runs.model import Json
from playbooks.settling import GOOD

_STEPS = 20  # of one kind, however much there is
_PAGE = 100  # applications: with their trusts a page has no more
_PRINCIPALS_PAGE = 999
_FEWEST_PAGES = 5


def pages_at_once(applications: int) -> int:
    """Pages of applications in one step."""
    return _shared_out(applications, _PAGE)


def principals_at_once(applications: int) -> int:
    """Pages of service principals in one step: there are some more than applications, and nobody counts them first."""
    return _shared_out(applications, _PRINCIPALS_PAGE)


def _shared_out(count: int, page: int) -> int:
    pages = -(-count // page)
    return max(_FEWEST_PAGES, -(-pages // _STEPS))


def scopes(found: list[str]) -> list[Json]:
    """The orders of the steps that read scopes, a few each."""
    size = max(1, -(-len(found) // _STEPS))
    return [
        {"number": number, "scopes": found[at : at + size]}
        for number, at in enumerate(range(0, len(found), size))
    ]


def clusters(count: int, path: str) -> list[Json]:
    """The orders of the steps that read clusters."""
    size = max(1, -(-count // _STEPS))
    return [
        {"clusters_path": path, "from": at, "until": min(at + size, count)}
        for at in range(0, count, size)
    ]


def together(
    around: Json, wide: list[Json], principals: list[Json], applications: list[Json]
) -> Json:
    """What the judging step needs: where everything lies, what was not read, how much there was.

    `wide` in the order in which `scopes`, `clusters` and the logs were asked. What could not be read is named.
    """
    split = len(scopes(around["scopes"]))
    of_scopes, of_clusters, use = wide[:split], wide[split:-1], wide[-1]
    read = [one for one in of_scopes if one["status"] in GOOD]
    seen = [one for one in of_clusters if one["status"] in GOOD]
    lost = [
        f"{what}: {one['detail']}"
        for what, answers in (
            ("role assignments and managed identities of some scopes", of_scopes),
            ("logs", [use]),
        )
        for one in answers
        if one["status"] not in GOOD
    ]
    return {
        "principals": [one["path"] for one in principals],
        "applications": [one["path"] for one in applications],
        "scopes": [path for one in read for path in one["paths"]],
        "clusters": [one["path"] for one in seen],
        "clusters_path": around["clusters_path"],
        "use": use["path"] if use["status"] in GOOD else "",
        "unread": [*around["unread"], *(said for one in read for said in one["unread"]), *lost],
        "counts": {
            "applications": sum(one["count"] for one in applications),
            "service_principals": sum(one["count"] for one in principals),
            "role_assignments": sum(one["count"] for one in read),
            "clusters": around["clusters"],
        },
    }
