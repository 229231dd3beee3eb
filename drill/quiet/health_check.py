"""The health check: green on a sound tenant, red where a webhook is broken, and told once."""

from drill.quiet.day import Day, RunSeen

SUMMARY = "all is well, a cluster's identity webhook breaks, and is mended"
OPTIONS: tuple[str, ...] = ()


async def play(day: Day) -> None:
    """A sound day, a broken one, the same one again, and a sound one."""
    cluster = next(iter(day.described["seed"]["clusters"]))
    sound = await day.run("health_check", "apply")
    day.equal("sound", "every cluster serves, and the light is green", _light(sound), "green")
    await day.control.turn(cluster, {"webhook_ready": False})
    broken = await day.run("health_check", "apply")
    day.equal("broken", "the light is red", _light(broken), "red")
    day.has_rules(broken, ["webhook-not-serving"])
    named = [one["subject_name"] for one in broken.document["findings"]]
    day.equal("broken", "the finding names the cluster, and no other", named, [cluster])
    again = await day.run("health_check", "apply")
    day.equal("broken", "the next day says nothing new", again.difference["new"], [])
    await day.control.turn(cluster, {"webhook_ready": True})
    mended = await day.run("health_check", "apply")
    gone = [one["rule"] for one in mended.difference["gone"]]
    day.equal("mended", "the finding is gone", gone, ["webhook-not-serving"])
    cards = (await day.control.state())["teams"]
    day.equal("people", "told when it broke and when it was mended, and no more", len(cards), 2)


def _light(seen: RunSeen) -> str:
    return str(seen.document["data"]["light"])
