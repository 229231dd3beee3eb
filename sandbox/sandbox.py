"""The running sandbox: its one world, what it records, and what goes wrong on purpose."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from sandbox import seed
from sandbox.certificates import Certificates, client_context
from sandbox.faults import Faults
from sandbox.granted import Granted
from sandbox.kubernetes.cluster import Settled
from sandbox.ledger import Ledger
from sandbox.recorder import Recorder
from sandbox.seed import twins
from sandbox.seed.worlds import PLAIN
from sandbox.world import Json, World


@dataclass
class Sandbox:
    """Outlives its worlds: `reset` puts a new one in the place of the old one, on the same ports."""

    endpoints: dict[str, str]
    certificates: Certificates
    world_name: str = PLAIN  # one of `seed.worlds.WORLDS`
    granted: Mapping[str, Granted] | None = (
        None  # to Firebreak's identities; None: by the repository's file
    )
    twin: Json | None = None  # an export, in place of any of the worlds that have a name
    recorder: Recorder = field(default_factory=Recorder)
    ledger: Ledger = field(default_factory=Ledger)
    faults: Faults = field(default_factory=Faults)
    world: World = field(init=False)
    seeded: Json = field(init=False)  # names -> ids of what was seeded
    _settled: dict[str, Settled] = field(default_factory=dict)  # clusters as they were seeded
    _resetting: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        """Seed the first world."""
        self._trust = client_context(self.certificates.ca)
        self._begin()

    async def reset(
        self, world_name: str | None = None, granted: Mapping[str, Granted] | None = None
    ) -> None:
        """Forget everything that happened, and begin with this world, or with the same again.

        Keys, ids, ports and settings stay as they were. `granted` is for the new world alone.
        """
        async with self._resetting:
            self.world_name = world_name or self.world_name
            for cluster in self.world.clusters.values():
                await cluster.stop()
            self.recorder = Recorder()
            self.ledger = Ledger()
            self.faults = Faults()
            self._begin(granted)

    def _begin(self, granted: Mapping[str, Granted] | None = None) -> None:
        given = self.granted if granted is None else granted
        self.world = World(self.endpoints, trust=self._trust, granted=given)
        self.world.caches["faults"] = self.faults  # for what travels inside another call
        if self.twin is not None:
            self.seeded = twins.plant(self.world, self.twin)
        else:
            self.seeded = seed.plant(self.world, self._settled, self.world_name)
