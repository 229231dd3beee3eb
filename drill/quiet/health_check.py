"""The health check: green on a sound tenant, told once when something breaks, and once when it is mended."""

from drill.quiet.day import Day, RunSeen

SUMMARY = (
    "all is well, a webhook breaks while somebody tries secrets, it is mended, a cluster goes down"
)
OPTIONS: tuple[str, ...] = ()
_WRONG_SECRETS = 25
_SAID = (
    '{"level":"error","timestamp":"2026-11-27T03:00:00Z","message":"failed to get ServiceAccount"}'
)


async def play(day: Day) -> None:
    """A sound day, a broken one, the same one again, and a sound one."""
    cluster = next(iter(day.described["seed"]["clusters"]))
    sound = await day.run("health_check", "apply")
    day.equal("sound", "the light is green", _light(sound), "green")
    day.equal("sound", "every part has a light of its own", set(_lights(sound).values()), {"green"})
    day.equal("sound", "nothing went unread", sound.document["unread"], [])
    await _break(day, cluster)
    broken = await day.run("health_check", "apply")
    day.equal("broken", "the light is red", _light(broken), "red")
    wanted = ["webhook-not-serving", "webhook-errors", "webhook-memory-short"]
    day.has_rules(broken, [*wanted, "authentication-failures-rising"])
    about = {one["subject_name"] for one in broken.document["findings"] if one["rule"] in wanted}
    day.equal("broken", "the findings name the cluster, and no other", about, {cluster})
    day.equal("broken", "what is sound stays green", _lights(broken)["Permissions"], "green")
    again = await day.run("health_check", "apply")
    day.equal("broken", "the next day says nothing new", again.difference["new"], [])
    await _mend(day, cluster)
    mended = await day.run("health_check", "apply")
    gone = sorted(one["rule"] for one in mended.difference["gone"])
    day.equal("mended", "what was mended is gone", gone, sorted(wanted[::2]))
    history = next(one for one in mended.document["tables"] if one["title"] == "The days before")
    lights = [row[2] for row in history["rows"]]
    day.equal("mended", "the days before are remembered", lights, ["red", "red", "green"])
    await day.control.turn(cluster, {"api_server": "reset"})
    blind = await day.run("health_check", "apply")
    unread = [line for line in blind.document["unread"] if cluster in line]
    day.equal(
        "blind", "a cluster that is down is yellow, not green", _lights(blind)["Clusters"], "yellow"
    )
    day.fact("blind", "and it is said", holds=bool(unread), expected=cluster, actual=unread[:1])
    await day.people_heard("told when it broke, was mended, went blind, and no more", 3)


async def _break(day: Day, cluster: str) -> None:
    """Its webhook, and somebody who tries secrets."""
    said = [_SAID] * 12
    wish = {"webhook_ready": False, "webhook_says": said, "webhook_memory": "29Mi"}
    await day.control.turn(cluster, wish)
    await day.control.no_delays()  # sign-ins are in the workspace at once
    login, tenant = day.described["endpoints"]["login"], day.described["tenant_id"]
    url = f"{login}/{tenant}/oauth2/v2.0/token"
    form = {
        "grant_type": "client_credentials",
        "client_id": day.described["seed"]["billing_api"]["app_id"],
        "client_secret": "a guess",
        "scope": "https://graph.microsoft.com/.default",
    }
    for _ in range(_WRONG_SECRETS):
        await day.ground.http.post(url, data=form)


async def _mend(day: Day, cluster: str) -> None:
    """What an operator would mend; the sign-ins of the day stay in the log."""
    await day.control.turn(cluster, {"webhook_ready": True, "webhook_memory": "14Mi"})


def _light(seen: RunSeen) -> str:
    return str(seen.document["data"]["light"])


def _lights(seen: RunSeen) -> dict[str, str]:
    return dict(seen.document["data"]["lights"])
