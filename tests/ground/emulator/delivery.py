"""One tick of a schedule, from its first attempt to its success or to the dead-letter queue.

Sources, read 2026-11: "Configuring a schedule's dead-letter queue in EventBridge Scheduler" with
the names of the message's attributes, "Adding context attributes in EventBridge Scheduler" (both
docs.aws.amazon.com/scheduler/latest/UserGuide/), and RetryPolicy in its API reference. That page
tells retryable errors from permanent ones, which are not tried again, and does not say which are
which: here throttling, errors of the service and no answer are tried again. That a RunTask which
started nothing, but says why in ``failures``, is a success is what is believed.
"""

import asyncio
import logging
import re
import uuid
from dataclasses import asdict, dataclass
from datetime import datetime

from emulator import seams, targets
from emulator.calls import Calls, Unanswered
from emulator.due import written
from emulator.inner import Inner
from emulator.wire import Caller, Json, ServiceError

_AGENT = "scheduler.amazonaws.com"
#: Seconds between attempts, really; what they stand for doubles from 1 s to 8 min, so that 185
#: retries take a day, as AWS's own default says they may.
_PAUSE_S = 0.02
_LONGEST_PAUSE_S = 480
_MOST_AGE_S, _MOST_RETRIES = 86400, 185
_THROTTLED = re.compile(r"Throttl|TooManyRequests|RequestLimitExceeded|LimitExceeded")
#: What is said where the fault is Scheduler's own.
_OWN_ERROR = (
    "AWS.Scheduler.InternalServerError",
    "Unexpected error occurred while processing the request",
)

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Outcome:
    """What came of one tick."""

    attempts: int = 0
    #: Of the last attempt.
    execution_id: str = ""
    #: What the target answered; None: it did not, or is not ECS.
    answer: Json | None = None
    error_code: str | None = None
    error_message: str | None = None
    #: Which limit of the RetryPolicy was reached; None: none, also if the error is permanent.
    exhausted: str | None = None
    is_permanent: bool = False

    def describe(self) -> Json:
        """Return it as the control shows it."""
        return asdict(self)


class Delivery:
    """Delivers ticks.

    Parameters
    ----------
    calls
        Where targets are called.
    inner
        Where dead-letter queues are.
    """

    def __init__(self, calls: Calls, inner: Inner) -> None:
        self._calls = calls
        self._inner = inner

    async def deliver(self, caller: Caller, schedule: Json, due: datetime) -> Outcome:
        """Invoke a schedule's target for one scheduled time, again where it fails."""
        outcome, given, age_s, pause_s = Outcome(), "", 0, 1
        policy = schedule["Target"].get("RetryPolicy") or {}
        while True:
            outcome.attempts += 1
            outcome.execution_id = uuid.uuid4().hex[:16]
            context = {
                "schedule-arn": schedule["Arn"],
                "scheduled-time": written(due),
                "execution-id": outcome.execution_id,
                "attempt-number": str(outcome.attempts),
            }
            given = targets.with_context(schedule["Target"].get("Input") or "", context)
            await self._attempt(caller, schedule, given, outcome)
            if outcome.error_code is None:
                return outcome
            if outcome.is_permanent:
                break
            if outcome.attempts > policy.get("MaximumRetryAttempts", _MOST_RETRIES):
                outcome.exhausted = "MaximumRetryAttempts"
                break
            if age_s + pause_s > policy.get("MaximumEventAgeInSeconds", _MOST_AGE_S):
                outcome.exhausted = "MaximumEventAgeInSeconds"
                break
            age_s, pause_s = age_s + pause_s, min(pause_s * 2, _LONGEST_PAUSE_S)
            await asyncio.sleep(_PAUSE_S)
        await self._bury(caller, schedule, given, written(due), outcome)
        return outcome

    async def _attempt(self, caller: Caller, schedule: Json, given: str, outcome: Outcome) -> None:
        outcome.answer = outcome.error_code = outcome.error_message = None
        try:
            mark = f"chronos-schedule/{schedule['Name']}"
            call = targets.call_of(schedule["Target"], given, mark)
            if call is None:
                await asyncio.to_thread(seams.invoke, caller, schedule)
            else:
                outcome.answer = await self._calls.make(caller, *call, _AGENT)
        except ServiceError as error:
            outcome.error_code, outcome.error_message = error.code, error.message
            outcome.is_permanent = error.status < 500 and not _THROTTLED.search(error.code)
        except Unanswered:
            outcome.error_code, outcome.error_message = _OWN_ERROR
        except Exception:
            _log.exception("the emulator failed %s", schedule["Arn"])
            outcome.error_code, outcome.error_message = _OWN_ERROR

    async def _bury(
        self, caller: Caller, schedule: Json, given: str, due: str, outcome: Outcome
    ) -> None:
        """Send what is given up to the queue for it, if there is one."""
        arn = (schedule["Target"].get("DeadLetterConfig") or {}).get("Arn")
        if not arn:
            return
        said = {
            "ERROR_CODE": outcome.error_code,
            "ERROR_MESSAGE": outcome.error_message,
            "EXECUTION_ID": outcome.execution_id,
            "EXHAUSTED_RETRY_CONDITION": outcome.exhausted,
            "IS_PAYLOAD_TRUNCATED": "false",
            "RETRY_ATTEMPTS": str(outcome.attempts - 1),
            "SCHEDULED_TIME": due,
            "SCHEDULE_ARN": schedule["Arn"],
            "TARGET_ARN": schedule["Target"]["Arn"],
        }
        attributes = {name: {"DataType": "String", "StringValue": value}
                      for name, value in said.items() if value}  # fmt: skip
        try:
            queue = await self._inner.call(
                caller, "sqs", "GetQueueUrl", {"QueueName": arn.rsplit(":", 1)[1]}
            )
            letter = {"QueueUrl": queue["QueueUrl"], "MessageBody": given or "{}",
                      "MessageAttributes": attributes}  # fmt: skip
            await self._inner.call(caller, "sqs", "SendMessage", letter)
        except ServiceError as error:
            _log.warning("%s takes no dead letter: %s", arn, error)
