"""From a live sandbox to a `Scene`: states are given, moves are made again, files are read."""

from dataclasses import dataclass
from datetime import datetime

from drill.minting import mint
from drill.options import Json
from drill.replays import Replays, read_in_pods
from drill.scene import PodRead, Reply, Scene, Victim
from drill.staging import ledger
from drill.states import workloads_of
from drill.training_ground import TrainingGround
from drill.watching import Followed
from drill.writings import evidence_of, keys_of, outputs_of
from sandbox.attacks.attacker import Attacker
from sandbox.attacks.compromise import Loot, Target


def target_of(described: Json) -> Target:
    """orders-api and the phished owner of it, by what sandbox.json says of the seed."""
    ids = described["seed"]["orders_api"]
    return Target(
        victim="dana",
        app_id=ids["app_id"],
        application_object_id=ids["application_object_id"],
        object_id=ids["object_id"],
        scope=f"/subscriptions/{described['subscription_id']}/resourceGroups/rg-orders",
        blob_url=described["seed"]["storage"]["blob_url"],
        cluster="aks-weu",
        namespace="shop",
        service_account="orders-api",
    )


@dataclass(frozen=True, slots=True)
class States:
    """The sandbox's state at three moments."""

    before: Json  # the attack
    staged: Json  # after it, before the alert
    after: Json  # the incident is over


@dataclass(frozen=True)
class Observer:
    """Looks at everything once, when the incident is over."""

    ground: TrainingGround
    attacker: Attacker
    target: Target
    loot: Loot

    async def observe(
        self, states: States, traffic: list[Json], followed: Followed, alerted_at: datetime
    ) -> Scene:
        """Make the moves, read the files. What got no answer is written down as no answer."""
        await self._mint_again()
        replays = Replays(self.attacker, self.target, self.loot)
        made = self._new_applications(states)
        successor = made[0] if len(made) == 1 else None
        nobody = Reply(None, f"{len(made)} new identities")
        evidence = evidence_of(self.ground.evidence)
        return Scene(
            seed=self.ground.described["seed"],
            victim=self._victim(),
            before=states.before,
            staged=states.staged,
            after=states.after,
            traffic=traffic,
            alerted_at=alerted_at,
            consented_at=followed.consented_at,
            credential_replays=await replays.credentials(),
            token_replays=await replays.access_tokens(),
            old_identity_replays=await replays.account_tokens(self.target.app_id),
            new_identity_replays=await replays.account_tokens(successor["appId"])
            if successor
            else {"any token": nobody},
            owner_on_successor=await replays.as_owner_of(successor["id"]) if successor else nobody,
            workload_reads=await self._reads(states, "orders_api"),
            bystander_reads=await self._reads(states, "billing_api"),
            evidence=evidence,
            outputs=outputs_of(self.ground, evidence, states.after, followed.status),
            status=followed.status,
            secrets=self.loot.secrets() | keys_of(self.ground) | await ledger(self.ground.control),
            switches=await self.ground.control.switches(self.ground.described["seed"]["clusters"]),
        )

    async def _mint_again(self) -> None:
        """Whoever may create tokens for the old ServiceAccounts gets new ones at any time."""
        for cluster in self.ground.described["seed"]["clusters"]:
            token = await mint(
                self.ground, cluster, self.target.namespace, self.target.service_account
            )
            if token is not None:
                self.loot.account_tokens[f"{cluster}, minted afterwards"] = token

    async def _reads(self, states: States, name: str) -> list[PodRead]:
        app_id = self.ground.described["seed"][name]["app_id"]
        workloads = workloads_of(states.before, app_id)
        return await read_in_pods(
            self.ground.control, states.after, workloads, self.target.blob_url
        )

    @staticmethod
    def _new_applications(states: States) -> list[Json]:
        known = {app["id"] for app in states.staged["applications"]}
        return [app for app in states.after["applications"] if app["id"] not in known]

    def _victim(self) -> Victim:
        return Victim(
            self.target.app_id,
            self.target.application_object_id,
            self.target.object_id,
            self.target.victim,
            self.loot.grant.assignment_id,
        )
