"""Events of this home's tasks, from an SQS queue that an EventBridge rule fills; optional.

`setup-aws` makes both. Events come late, twice, in any order or not at all: `Watch` keeps the
newest of what it knows of a task, and asks for all at long intervals; `Trust` tells when it must
ask as if there were no events.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from jupyter_flotilla.clock import utc_now
from jupyter_flotilla.engines.ecs.aws_errors import AwsError
from jupyter_flotilla.engines.ecs.install import STARTED_BY
from jupyter_flotilla.engines.ecs.observe import Caller
from jupyter_flotilla.engines.ecs.task_event import NotOurs, TaskEvent, read_event
from jupyter_flotilla.engines.ecs.trust import Trust

log = logging.getLogger("jupyter_flotilla.dispatch")

#: Most messages of one call, and the longest that one waits for the first of them
#: (docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html, 2026-11).
_MOST, _LONG_POLL_S = 10, 20
#: Pause after an answer without messages that did not wait for any.
_AT_ONCE_S = 1.0
#: Pauses after messages that are not ours, and after a queue that cannot be read; doubled each
#: time. Those messages come back 30 s later, by SQS's default.
_FOREIGN_S, _LONGEST_FOREIGN_S = 2.0, 60.0
_FAULT_S, _LONGEST_FAULT_S = 5.0, 300.0
#: What passes within some tries is not worth a word.
_WORTH_SAYING_S = 20.0
#: How many kinds of messages that are not ours are told of.
_MOST_SAID = 3
_SET_UP = "jupyter flotilla setup-aws --apply"
#: How long it listens after anybody has asked for the last time.
_UNASKED_S = 30.0
#: An older event shows nothing of how they come now. Clocks may differ by minutes: by more than
#: five AWS refuses every call.
_FRESH = timedelta(minutes=5)


def _start(run: Callable[[], None]) -> None:
    """Run something beside all else; the process does not wait for it when it ends."""
    threading.Thread(target=run, name="flotilla-ecs-events", daemon=True).start()


class Feed:
    """Listens to a queue while somebody asks `is_healthy`. Safe from several threads.

    What is not of this home's tasks is never deleted: it belongs to somebody.

    Parameters
    ----------
    install
        The eight characters of this home.
    apply
        Takes what an event says of a task, as DescribeTasks has it but for the tags: `Watch.apply`.
        Its answer does not matter: also of a task that nobody watches any more, events are deleted.
    start
        Starts the thread that listens.
    now
        The wall clock, as events have it.
    """

    def __init__(
        self,
        aws: Caller,
        queue_url: str,
        install: str,
        apply: Callable[[Mapping[str, Any]], bool],
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = utc_now,
        start: Callable[[Callable[[], None]], None] = _start,
    ) -> None:
        self._aws = aws
        self._queue_url = queue_url
        self._started_by = STARTED_BY.format(install=install)
        self._apply = apply
        self._clock, self._now, self._start = clock, now, start
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._trust = Trust()
        self._asked_at = 0.0
        #: Stays True where the thread has died of an error of ours: the next would, too.
        self._is_listening = False
        self._foreign_s, self._fault_s = 0.0, 0.0
        #: What was said of messages that are not ours, and of the queue.
        self._said_foreign: set[str] = set()
        self._said_fault: tuple[str, str] | None = None
        self._said_untold = False

    def is_healthy(self) -> bool:
        """Say whether events tell of every change just now; listen from now on, for a while."""
        now = self._clock()
        with self._lock:
            self._asked_at = now
            must_start = not self._is_listening and not self._closed.is_set()
            self._is_listening |= must_start
            untold = self._trust.doubt_untold(now)
            is_healthy = self._trust.holds(now) and not self._closed.is_set()
        if must_start:
            self._start(self._listen)
        if untold is not None:
            self._say_untold(untold)
        return is_healthy

    def expect(self, arn: str, version: int) -> None:
        """Take note of a change that was found by asking: an event of it must come soon."""
        with self._lock:
            self._trust.changed(arn, version, self._clock())

    def close(self) -> None:
        """Listen no more; a call that waits for messages goes on until it ends by itself."""
        self._closed.set()

    def turn(self) -> float:
        """Take over what is in the queue, waiting for it if need be.

        Returns
        -------
        float
            Seconds to leave the queue alone before the next turn.
        """
        began = self._clock()
        try:
            answer = self._aws.call(
                "sqs", "ReceiveMessage", QueueUrl=self._queue_url,
                MaxNumberOfMessages=_MOST, WaitTimeSeconds=_LONG_POLL_S,
            )  # fmt: skip
            messages = answer.get("Messages") or []
            ours = [message for message in messages if self._take(message)]
            self._delete(ours)
        except AwsError as error:
            return self._failed(error)
        now = self._clock()
        self._answered(is_all=len(messages) < _MOST)
        if messages and not ours:
            self._foreign_s = min(_LONGEST_FOREIGN_S, self._foreign_s * 2 or _FOREIGN_S)
            return self._foreign_s
        self._foreign_s = 0.0
        return _AT_ONCE_S if not messages and now - began < _AT_ONCE_S else 0.0

    def _listen(self) -> None:
        while self._is_wanted():
            self._closed.wait(self.turn())

    def _is_wanted(self) -> bool:
        with self._lock:
            is_asked = self._clock() - self._asked_at <= _UNASKED_S
            if is_asked and not self._closed.is_set():
                return True
            self._is_listening = False
            self._trust.pause()
            return False

    def _take(self, message: Mapping[str, Any]) -> bool:
        """Take over what a message says; False where it is not ours."""
        try:
            event = read_event(str(message.get("Body", "")), self._started_by)
        except NotOurs as what:
            self._say_foreign(str(what))
            return False
        # first: a change that `apply` knows of is expected no more
        self._apply(event.task)
        with self._lock:
            is_fresh = self._is_fresh(event)
            self._trust.told(event.arn, event.version, self._clock(), is_fresh=is_fresh)
            is_again = self._said_untold and self._trust.is_proven
            self._said_untold &= not is_again
        if is_again:
            log.info("events of tasks come again: ECS is asked about them less")
        return True

    def _is_fresh(self, event: TaskEvent) -> bool:
        return event.sent_at is not None and abs(self._now() - event.sent_at) < _FRESH

    def _delete(self, messages: Sequence[Mapping[str, Any]]) -> None:
        """Delete what was taken over; what is not deleted comes again, which is harmless."""
        if messages:
            entries = [
                {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
                for number, message in enumerate(messages)
            ]
            self._aws.call("sqs", "DeleteMessageBatch", QueueUrl=self._queue_url, Entries=entries)

    def _answered(self, *, is_all: bool) -> None:
        self._fault_s = 0.0
        if self._said_fault is not None:
            self._said_fault = None
            log.info("the queue of task events is read again: %s", self._queue_url)
        if is_all:
            with self._lock:
                self._trust.read_to_end(self._clock())

    def _failed(self, error: AwsError) -> float:
        self._fault_s = min(_LONGEST_FAULT_S, self._fault_s * 2 or _FAULT_S)
        if not error.is_passing:
            with self._lock:
                self._trust.doubt_queue()
        fault = (error.kind, error.aws_code)
        is_blip = error.is_passing and self._fault_s < _WORTH_SAYING_S
        if self._said_fault != fault and not is_blip:
            self._said_fault = fault
            log.warning(
                "the queue of task events cannot be read, so ECS is asked about tasks instead: "
                "%s (%s); next: %s",
                error.message, self._queue_url, error.next_step or _SET_UP,
            )  # fmt: skip
        return self._fault_s

    def _say_foreign(self, what: str) -> None:
        if what not in self._said_foreign and len(self._said_foreign) < _MOST_SAID:
            self._said_foreign.add(what)
            log.warning(
                "%s brings %s; they are left in it. Its rule must match detail.startedBy with the "
                "prefix %r only, and no other rule may send there; next: %s",
                self._queue_url, what, self._started_by, _SET_UP,
            )  # fmt: skip

    def _say_untold(self, arn: str) -> None:
        if not self._said_untold:
            self._said_untold = True
            log.warning(
                "no event told of a change of %s, so ECS is asked about tasks until events come "
                "again; next: see in EventBridge that the rule of %s is enabled, or %s",
                arn, self._queue_url, _SET_UP,
            )  # fmt: skip
