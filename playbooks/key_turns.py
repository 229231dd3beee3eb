"""New signing keys for a cluster, twice, and whoever holds tokens of the old ones restarted: what its steps share.

What was published before is written down first; rotations are counted by the keys that were not among it, so a crash
between the two leads neither to a third one nor to one alone. It runs inside activities, which are not replayed.
"""

import asyncio
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from playbooks.in_cluster import each
from playbooks.journaled import Work
from playbooks.orders import Json
from responders import restarts, signing_key_rotations
from responders.errors import RefusedError, TransientError
from responders.evidence import digest
from responders.kube import Kube
from responders.model import ClusterRef

BATCHES = 20  # at most, for the length of the history
_FEWEST = 10  # workloads that are restarted side by side
# So long nobody rotates again after a rotation whose key is not seen yet: the keys are published with a delay.
_PUBLISHED_WITHIN = timedelta(minutes=10)
# A rotation that ended so made no key, and is made again at once; after so many in that time a person is asked.
_MADE_NO_KEY, _FAILURES = {"failed", "canceled"}, 2


def named(cluster: ClusterRef) -> str:
    """What files about a cluster are called: two may have one name."""
    return f"{cluster['name']}-{digest(cluster['resource_id'].lower().encode())[:8]}"


@dataclass(frozen=True, slots=True)
class KeyTurns:
    """One cluster, and where what is known of its keys lies: `base` is a path without its ending."""

    work: Work
    cluster: ClusterRef
    base: str

    async def record(self) -> Json:
        """The keys that the cluster's issuer publishes before the first rotation."""
        path = f"{self.base}-before.json"
        if not await self._exists(path):
            keys = await signing_key_rotations.published(self.work.cloud, self.cluster)
            await self._put(path, {"kids": sorted(keys.kids), "at": _now().isoformat()})
        return {"status": "done", "detail": path, "at": (await self._get(path))["at"]}

    async def turn(self, number: int) -> Json:
        """One rotation, to its end. `number` is 1 or 2."""
        seen = await self._fresh()
        if len(seen) < number:
            await self._rotate_once(number)
            seen = await self._fresh()
        name = self.cluster["name"]
        if len(seen) < number:
            raise TransientError(f"{name}: the new signing key is not published yet")
        path = f"{self.base}-after-{number}.json"
        if not await self._exists(path):
            await self._put(path, {"kids": sorted(seen)})
        return {
            "status": "done",
            "detail": f"{name}: rotation {number} of 2 is done, key {sorted(seen)}",
        }

    async def prove_gone(self) -> Json:
        """No key of before is published any more; `max_age_s` says how long copies of them may be kept."""
        name = self.cluster["name"]
        before = await self._get(f"{self.base}-before.json")
        now = await signing_key_rotations.published(self.work.cloud, self.cluster)
        left = sorted(now.kids & set(before["kids"]))
        if left:
            detail = f"{name}: keys of before are still published: {', '.join(left)}"
            return {"status": "failed", "detail": detail}
        detail = (
            f"{name}: no key of before is published; copies may be kept for {now.max_age_s} s, and Entra "
            "does not say for how long it keeps its own"
        )
        return {"status": "done", "detail": detail, "max_age_s": now.max_age_s}

    async def list_users(self, kube: Kube) -> Json:
        """Whose pods hold tokens of the old keys, in which batch each is restarted, and who is not and why."""
        path = f"{self.base}-restarts.json"
        if not await self._exists(path):
            await self._put(path, await restarts.find(kube))
        users: restarts.TokenUsers = await self._get(path)
        count, left = len(users["restart"]), users["report"]
        return {
            "status": "done",
            "detail": f"{path}: {count} workloads are restarted, {len(left)} are not",
            "batches": len(_batches(users)),
            "remaining": [f"Not restarted: {one['what']}: {one['why']}" for one in left],
            "by_hand": [one["by_hand"] for one in left if one["by_hand"]],
        }

    async def restart(self, kube: Kube, batch: int, at: str) -> Json:
        """One batch of the restarts, each a rollout."""
        return await each(restarts.restart(kube, one, at) for one in await self._batch(batch))

    async def check(self, kube: Kube, batch: int) -> Json:
        """Everything of the batch that was well before is well again."""
        return await each(restarts.is_back(kube, one) for one in await self._batch(batch))

    async def _fresh(self) -> set[str]:
        """Keys that were not published before: as many rotations as there are of them have been made."""
        before = await self._get(f"{self.base}-before.json")
        path = f"{self.base}-after-1.json"
        first = (await self._get(path))["kids"] if await self._exists(path) else []
        now = await signing_key_rotations.published(self.work.cloud, self.cluster)
        return ({*now.kids, *first}) - set(before["kids"])

    async def _rotate_once(self, number: int) -> None:
        """Unless one is under way, or was begun so lately that its key may not be published yet."""
        cluster, name = self.cluster, self.cluster["name"]
        state = await signing_key_rotations.state_of(self.work.cloud, cluster)
        if state not in signing_key_rotations.ENDED:
            raise TransientError(f"{name}: an operation is under way: {state}")
        now = _now()
        stem = f"{self.base}-begun-{number}-"
        begun = await asyncio.to_thread(self._begun, stem)
        lately = [at for at in begun if now - at < _PUBLISHED_WITHIN]
        if lately and state not in _MADE_NO_KEY:
            raise TransientError(f"{name}: rotated, its key is not published yet")
        if len(lately) >= _FAILURES:
            raise RefusedError(
                f"{name}: Azure gave up {len(lately)} rotations, the cluster's provisioningState is {state}: "
                f"az aks show --ids {cluster['resource_id']} --query provisioningState; mend it, then resume"
            )
        stamp = re.sub(r"\D", "", now.isoformat())
        await self._put(f"{stem}{stamp}.json", {"at": now.isoformat()})
        await signing_key_rotations.rotate(self.work.cloud, cluster)

    def _begun(self, stem: str) -> list[datetime]:
        """When each rotation of this turn was asked for."""
        store = self.work.store
        mine = [one for one in store.list(self.base.rpartition("/")[0]) if one.startswith(stem)]
        return [datetime.fromisoformat(store.get_json(one)["at"]) for one in mine]

    async def _batch(self, number: int) -> list[restarts.Restartable]:
        users: restarts.TokenUsers = await self._get(f"{self.base}-restarts.json")
        return _batches(users)[number]

    async def _exists(self, path: str) -> bool:
        return await asyncio.to_thread(self.work.store.exists, path)

    async def _get(self, path: str) -> Any:
        return await asyncio.to_thread(self.work.store.get_json, path)

    async def _put(self, path: str, value: object) -> None:
        await asyncio.to_thread(self.work.store.put_json, path, value)


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - an activity: it runs once, it is not replayed


def _batches(users: restarts.TokenUsers) -> list[list[restarts.Restartable]]:
    size = max(_FEWEST, -(-len(users["restart"]) // BATCHES))
    return [users["restart"][at : at + size] for at in range(0, len(users["restart"]), size)]
