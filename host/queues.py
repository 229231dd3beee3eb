"""Queue triggers and queue outputs, as the Functions storage extension carries them out.

Batches, the wait before the next one, retries and the poison queue follow
https://learn.microsoft.com/azure/azure-functions/functions-bindings-storage-queue-trigger and
https://github.com/Azure/azure-sdk-for-net/tree/main/sdk/storage/Microsoft.Azure.WebJobs.Extensions.Storage.Queues
"""

import asyncio
import base64
import binascii
import json
import random
from collections.abc import Callable

from host import functions, log, messages
from host.durable.store import Store
from host.functions import Function
from host.host_json import SHORTEST_POLL, QueueOptions
from host.messages import Message
from host.protos import TypedData
from host.tasks import spawn
from host.worker import Worker

_RENEWED_S = messages.HELD.total_seconds() / 2


class Queues:
    """All queues of the app: one listener for each function that a queue triggers."""

    def __init__(self, store: Store, worker: Worker, options: QueueOptions) -> None:
        self._store = store
        self._options = options
        self._listeners = [
            _Listener(function, store, worker, options, self._notice)
            for function in worker.of("queueTrigger")
        ]
        worker.send = self.send

    def start(self) -> None:
        """Begin to listen; what a killed process was working on is seen again."""
        released = messages.release_all(self._store)
        if released:
            log.info("queue messages released", messages=released)
        for listener in self._listeners:
            listener.start()

    async def drain(self, grace_s: float) -> None:
        """Take no more messages; those under way may end."""
        await asyncio.gather(*(listener.drain(grace_s) for listener in self._listeners))

    def send(self, queue: str, value: TypedData) -> None:
        """One message, or one for each item of a list, all of them or none."""
        with self._store.transaction():
            for text in _texts(value):
                messages.put(self._store, queue, text, encoded=self._options.encoded)
        self._notice(queue)

    def _notice(self, queue: str) -> None:
        """Whoever listens in this host looks at once, as the extension's own watcher has it."""
        for listener in self._listeners:
            if listener.queue == queue:
                listener.look()


def _texts(value: TypedData) -> list[bytes]:
    kind = value.WhichOneof("data") or "string"
    content = getattr(value, kind)
    if kind == "json":
        items = json.loads(content)
        items = items if isinstance(items, list) else [items]
        return [(one if isinstance(one, str) else json.dumps(one)).encode() for one in items]
    return [content if isinstance(content, bytes) else str(content).encode()]


class _Listener:
    """One function and its queue: polls, faster after it found something, slower while there is nothing."""

    def __init__(
        self,
        function: Function,
        store: Store,
        worker: Worker,
        options: QueueOptions,
        notice: Callable[[str], None],
    ) -> None:
        self.queue = functions.checked_queue(function.name, str(function.trigger["queueName"]))
        self._function, self._store, self._worker = function, store, worker
        self._options, self._notice = options, notice
        self._running: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._polling: asyncio.Task[None] | None = None
        self._stopping = False

    def start(self) -> None:
        """Poll until `drain`."""
        self._polling = spawn(self._poll(), "queue", function=self._function.name)

    def look(self) -> None:
        """There may be a message, or room for one."""
        self._wake.set()

    async def drain(self, grace_s: float) -> None:
        """Take no more; what runs may end, and what doesn't is seen again by the next process."""
        self._stopping = True
        self.look()
        waiting = [*self._running, *([self._polling] if self._polling else [])]
        if waiting:
            await asyncio.wait(waiting, timeout=grace_s)

    async def _poll(self) -> None:
        shortest = SHORTEST_POLL.total_seconds()
        longest = self._options.longest_poll.total_seconds()
        pause = shortest
        while not self._stopping:
            self._wake.clear()
            taken = []
            if len(self._running) <= self._options.new_batch:
                taken = messages.take(self._store, self.queue, self._options.batch)
            for message in taken:
                task = spawn(self._work(message), "queue message", function=self._function.name)
                self._running.add(task)
                task.add_done_callback(self._ended)
            pause = shortest if taken else min(pause * 2, longest)
            if not taken or len(self._running) > self._options.new_batch:
                # Randomized, so that many hosts over one queue don't ask in step.
                await self._until_woken(pause * random.uniform(0.8, 1.0))  # noqa: S311 - no secret

    async def _until_woken(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self.look()

    async def _work(self, message: Message) -> None:
        if message.dequeue_count > self._options.most_dequeues:  # whoever took it died with it
            self._poison(message)
            return
        renewing = spawn(self._renew(message), "renewal", function=self._function.name)
        try:
            outcome = await self._worker.call(
                self._function, self._data(message), metadata=_metadata(message)
            )
        finally:
            renewing.cancel()
        if outcome.error is None:
            messages.delete(self._store, message)
            return
        log.error(
            "queue function failed",
            function=self._function.name,
            error=outcome.error,
            stack=outcome.stack,
            dequeue_count=message.dequeue_count,
        )
        if self.queue.endswith(messages.POISON):
            return  # there is no queue behind that one: it stays unseen until its ten minutes are over
        if message.dequeue_count >= self._options.most_dequeues:
            self._poison(message)
        else:
            messages.give_back(self._store, message, self._options.visibility)

    async def _renew(self, message: Message) -> None:
        while True:
            await asyncio.sleep(_RENEWED_S)
            messages.renew(self._store, message)

    def _poison(self, message: Message) -> None:
        if self.queue.endswith(messages.POISON):
            return  # as in Azure: not tried any more, and not deleted before it expires
        poisoned = messages.poison(self._store, message)
        log.warning("message poisoned", queue=poisoned, message_id=message.message_id)
        self._notice(poisoned)

    def _data(self, message: Message) -> TypedData:
        if not self._options.encoded:
            return TypedData(string=message.body)
        try:
            return TypedData(string=base64.b64decode(message.body, validate=True).decode())
        except (binascii.Error, UnicodeDecodeError):
            return TypedData(bytes=message.body.encode())


def _metadata(message: Message) -> dict[str, TypedData]:
    """As the Functions host sends it: texts as they are, everything else as JSON."""
    return {
        "QueueTrigger": TypedData(string=message.body),
        "Id": TypedData(string=message.message_id),
        "PopReceipt": TypedData(string=message.pop_receipt),
        "DequeueCount": TypedData(json=json.dumps(message.dequeue_count)),
        "InsertionTime": TypedData(json=json.dumps(message.inserted_at)),
        "ExpirationTime": TypedData(json=json.dumps(message.expires_at)),
        "NextVisibleTime": TypedData(json=json.dumps(message.visible_at)),
    }
