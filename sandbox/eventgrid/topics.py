"""The system topic of a subscription: what ARM did, told to whoever subscribed.

Simulates   Event Grid system topic "Azure subscription", push delivery to webhooks
Faithful    validation handshake of both schemas, event data, headers, at-least-once with the
            documented back-off (twenty times faster), no retry and a dead letter where Azure has none
Left out    filters other than by event type, Entra-protected webhooks, the 24 hours to live
Source      https://learn.microsoft.com/azure/event-grid/event-schema-subscriptions
            https://learn.microsoft.com/azure/event-grid/delivery-and-retry
"""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary, ref

import httpx

from sandbox.eventgrid import messages
from sandbox.eventgrid.messages import Schema
from sandbox.world import Json, World, timestamp

# "webhook endpoints ... 400, 413, 403, 404, 401" are not retried:
# https://learn.microsoft.com/azure/event-grid/delivery-and-retry#retry-schedule
NOT_RETRIED = frozenset({400, 401, 403, 404, 413})
SUCCESS = frozenset({200, 201, 202, 203, 204})
# 10 s, 30 s, 1 min, 5 min, 10 min, 30 min, 1 h, twenty times faster. After these Azure goes on for
# up to 24 hours and 30 attempts; here it is over.
BACK_OFF_S = tuple(seconds / 20 for seconds in (10, 30, 60, 300, 600, 1800, 3600))
RESPONSE_LIMIT_S = 30.0
SYSTEM = "subscription"  # the system topic; any other name is a custom one
_GATHER_S = 0.02  # how long a batch waits for company


@dataclass
class Subscription:
    """One endpoint, and everything that was sent to it."""

    name: str
    endpoint: str
    schema: Schema
    event_types: frozenset[str]  # none: all of them
    largest_batch: int
    topic: str = SYSTEM
    pending: list[Json] = field(default_factory=list)
    deliveries: list[Json] = field(default_factory=list)
    dead_letters: list[Json] = field(default_factory=list)
    sending: bool = False

    def shown(self) -> Json:
        """As the inspection page shows it."""
        return {
            "name": self.name,
            "endpoint": self.endpoint,
            "schema": self.schema,
            "topic": self.topic,
            "eventTypes": sorted(self.event_types),
            "maxEventsPerBatch": self.largest_batch,
            "deliveries": self.deliveries,
            "deadLetters": self.dead_letters,
            "pending": len(self.pending),
        }


class Topic:
    """The subscriptions of one world."""

    def __init__(self, world: World) -> None:
        self._world = ref(world)  # a world that was reset is not kept alive by its deliveries
        self._client = httpx.AsyncClient(
            verify=world.trust or True, trust_env=False, timeout=RESPONSE_LIMIT_S
        )
        self.subscriptions: dict[str, Subscription] = {}
        self.published: dict[str, list[Json]] = {}  # custom topic -> what came

    async def subscribe(self, subscription: Subscription) -> str:
        """Do the handshake. An empty answer is success, any other one says what went wrong."""
        try:
            failure = await messages.handshake(
                self._client, subscription.endpoint, subscription.schema, subscription.name
            )
        except httpx.HTTPError as failed:
            failure = f"{type(failed).__name__}: {failed}"
        if not failure:
            self.subscriptions[subscription.name] = subscription
        return failure

    def publish(self, event: Json) -> None:
        """Hand an activity log event to the subscriptions that want its type."""
        self._hand_out(SYSTEM, messages.from_activity(event))

    def publish_custom(self, topic: str, batch: list[Json]) -> None:
        """Hand what somebody published to the subscriptions of that topic."""
        self.published.setdefault(topic, []).extend(batch)
        for message in batch:
            self._hand_out(topic, message)

    def _hand_out(self, topic: str, message: Json) -> None:
        for subscription in self.subscriptions.values():
            wanted = subscription.event_types
            if subscription.topic != topic or (wanted and message["eventType"] not in wanted):
                continue
            subscription.pending.append(message)
            if not subscription.sending:
                subscription.sending = True
                _in_background(self._send(subscription))

    async def _send(self, subscription: Subscription) -> None:
        await asyncio.sleep(_GATHER_S)
        try:
            while subscription.pending:
                batch = subscription.pending[: subscription.largest_batch]
                del subscription.pending[: subscription.largest_batch]
                # Batches overtake each other when one is retried: Event Grid keeps no order.
                _in_background(self._deliver(subscription, batch))
        finally:
            subscription.sending = False

    async def _deliver(self, subscription: Subscription, batch: list[Json]) -> None:
        for attempt, pause in enumerate((0.0, *BACK_OFF_S), start=1):
            await asyncio.sleep(pause)
            world = self._world()
            if world is None or subscription.name not in self.subscriptions:
                return
            status = await self._post(subscription, batch, attempt)
            subscription.deliveries.append(
                {
                    "at": timestamp(world.clock.now()),
                    "attempt": attempt,
                    "status": status,
                    "events": [message["id"] for message in batch],
                    "operations": [_operation(message) for message in batch],
                }
            )
            if status in SUCCESS:
                return
            if status in NOT_RETRIED:
                break
        subscription.dead_letters.extend(batch)

    async def _post(self, subscription: Subscription, batch: list[Json], attempt: int) -> int:
        """The status of one delivery; 0 where there was no answer."""
        content, headers = messages.notification(
            batch, subscription.schema, subscription.name, attempt
        )
        try:
            answer = await self._client.post(
                subscription.endpoint, content=content, headers=headers
            )
        except httpx.HTTPError:
            return 0
        return answer.status_code


def _operation(message: Json) -> str:
    """What a person reads it as; a custom event has its type alone."""
    data = message["data"]
    return str((isinstance(data, dict) and data.get("operationName")) or message["eventType"])


_of_world: WeakKeyDictionary[World, Topic] = WeakKeyDictionary()
_running: set[asyncio.Task[None]] = set()


def topic_of(world: World) -> Topic:
    """The topic of this world, made at the first call."""
    if world not in _of_world:
        _of_world[world] = Topic(world)
    return _of_world[world]


def publish(world: World, event: Json) -> None:
    """Tell the subscribers, if there are any."""
    if world in _of_world and event["subscriptionId"]:  # a management group has a topic of its own
        _of_world[world].publish(event)


def _in_background(work: Coroutine[None, None, None]) -> None:
    task = asyncio.get_running_loop().create_task(work)
    _running.add(task)  # the loop itself keeps only a weak reference
    task.add_done_callback(_running.discard)
