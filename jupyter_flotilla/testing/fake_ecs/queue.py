"""SQS, as far as a feed of events needs it: standard queues with a visibility timeout."""

import hashlib
from dataclasses import dataclass, field
from typing import Any

from jupyter_flotilla.testing.fake_ecs.refusals import Json, ServiceError
from jupyter_flotilla.testing.fake_ecs.world import World

#: Most messages of one call. Source: ReceiveMessage's API reference, read 2026-11.
_MOST_AT_ONCE = 10


@dataclass(slots=True)
class _Message:
    id: str
    body: str
    sent_at: float
    visible_at: float
    receives: int = 0
    first_received_at: float | None = None


@dataclass(slots=True)
class Queue:
    """One queue.

    Tests may set ``visibility_s``, and ``dead_letters`` with ``max_receives`` for a redrive policy.
    """

    name: str
    url: str
    arn: str
    visibility_s: float = 30.0
    max_receives: int | None = None
    dead_letters: "Queue | None" = None
    #: By id, in the order of their arrival.
    messages: dict[str, _Message] = field(default_factory=dict)

    @property
    def bodies(self) -> list[str]:
        """What is in it, received or not; for tests."""
        return [message.body for message in self.messages.values()]


class Queues:
    """The account's queues, by name."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._queues: dict[str, Queue] = {}

    def create(self, name: str) -> Queue:
        """Return the queue of a name, new if need be."""
        settings = self._world.settings
        if name not in self._queues:
            self._queues[name] = Queue(
                name,
                f"https://sqs.{settings.region}.amazonaws.com/{settings.account}/{name}",
                self._world.arn(name, service="sqs"),
            )
        return self._queues[name]

    def remove(self, name: str) -> None:
        """Delete a queue and all that is in it."""
        self._queues.pop(name, None)

    def put(self, queue: Queue, body: str) -> Json:
        """Add a message."""
        now = self._world.now
        message = _Message(self._world.uuid(), body, now, now)
        queue.messages[message.id] = message
        return {"MessageId": message.id, "MD5OfMessageBody": _md5(body)}

    def find(self, name_or_url: str) -> Queue:
        """Return a queue, or raise the error of a queue that is not there."""
        queue = self._queues.get(name_or_url.rsplit("/", 1)[-1])
        if queue is None:
            raise ServiceError(
                "com.amazonaws.sqs#QueueDoesNotExist", "The specified queue does not exist.",
                query_code="AWS.SimpleQueueService.NonExistentQueue",
            )  # fmt: skip
        return queue

    def get_url(self, params: Json) -> Json:
        return {"QueueUrl": self.find(params["QueueName"]).url}

    def send(self, params: Json) -> Json:
        return self.put(self.find(params["QueueUrl"]), params["MessageBody"])

    def receive(self, params: Json) -> Json:
        """Answer ReceiveMessage: what is visible, and not again until the timeout is over."""
        queue = self.find(params["QueueUrl"])
        most = params.get("MaxNumberOfMessages", 1)
        if not 1 <= most <= _MOST_AT_ONCE:
            raise ServiceError(
                "com.amazon.coral.service#InvalidParameterValueException",
                f"Value {most} for parameter MaxNumberOfMessages is invalid. Reason: Must be "
                "between 1 and 10, if provided.",
                query_code="InvalidParameterValue",
            )
        now = self._world.now
        received: list[Json] = []
        for message in list(queue.messages.values()):
            if len(received) == most:
                break
            if message.visible_at > now or self._is_dead(queue, message):
                continue
            message.receives += 1
            message.first_received_at = message.first_received_at or now
            message.visible_at = now + params.get("VisibilityTimeout", queue.visibility_s)
            received.append(_received(message, params))
        return {"Messages": received} if received else {}

    def delete(self, params: Json) -> Json:
        """Answer DeleteMessage; what is gone already is gone."""
        queue = self.find(params["QueueUrl"])
        queue.messages.pop(_id(params["ReceiptHandle"]), None)
        return {}

    def delete_batch(self, params: Json) -> Json:
        """Answer DeleteMessageBatch, at most ten."""
        queue = self.find(params["QueueUrl"])
        entries: list[Json] = params["Entries"]
        if len(entries) > _MOST_AT_ONCE:
            raise ServiceError(
                "com.amazonaws.sqs#TooManyEntriesInBatchRequest",
                "Maximum number of entries per request are 10.",
                query_code="AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
            )
        done, failed = [], []
        for entry in entries:
            try:
                queue.messages.pop(_id(entry["ReceiptHandle"]), None)
                done.append({"Id": entry["Id"]})
            except ServiceError as error:
                failed.append({"Id": entry["Id"], "SenderFault": True,
                               "Code": "ReceiptHandleIsInvalid",
                               "Message": error.message})  # fmt: skip
        return {"Successful": done, "Failed": failed}

    def attributes(self, params: Json) -> Json:
        """Answer GetQueueAttributes."""
        queue = self.find(params["QueueUrl"])
        now = self._world.now
        hidden = sum(message.visible_at > now for message in queue.messages.values())
        every: dict[str, Any] = {
            "QueueArn": queue.arn,
            "ApproximateNumberOfMessages": len(queue.messages) - hidden,
            "ApproximateNumberOfMessagesNotVisible": hidden,
            "ApproximateNumberOfMessagesDelayed": 0,
            "VisibilityTimeout": int(queue.visibility_s),
        }
        wanted = params.get("AttributeNames", ())
        found = {n: str(v) for n, v in every.items() if "All" in wanted or n in wanted}
        return {"Attributes": found} if found else {}

    def _is_dead(self, queue: Queue, message: _Message) -> bool:
        if queue.max_receives is None or message.receives < queue.max_receives:
            return False
        del queue.messages[message.id]
        if queue.dead_letters is not None:
            self.put(queue.dead_letters, message.body)
        return True


def _received(message: _Message, params: Json) -> Json:
    first = message.first_received_at or 0
    attributes = {
        "ApproximateReceiveCount": str(message.receives),
        "SentTimestamp": str(int(message.sent_at * 1000)),
        "ApproximateFirstReceiveTimestamp": str(int(first * 1000)),
    }
    wanted = {*params.get("AttributeNames", ()), *params.get("MessageSystemAttributeNames", ())}
    found = {name: one for name, one in attributes.items() if wanted & {"All", name}}
    return {
        "MessageId": message.id,
        "ReceiptHandle": f"{message.id}/{message.receives}",
        "MD5OfBody": _md5(message.body),
        "Body": message.body,
        **({"Attributes": found} if found else {}),
    }


def _id(handle: str) -> str:
    message_id, slash, count = handle.partition("/")
    if not slash or not count.isdigit():
        raise ServiceError(
            "com.amazonaws.sqs#ReceiptHandleIsInvalid",
            f'The input receipt handle "{handle}" is not a valid receipt handle.',
            query_code="ReceiptHandleIsInvalid",
        )
    return message_id


def _md5(body: str) -> str:
    return hashlib.md5(body.encode(), usedforsecurity=False).hexdigest()
