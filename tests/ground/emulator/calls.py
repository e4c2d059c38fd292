"""Calls of the actions that are about tasks, whoever makes them, and what CloudTrail says of them.

A request at the door, a rule's target and a schedule's all come through here, so that what a test
has planned goes wrong with any of them.
"""

import logging
import time
import uuid

from emulator import seams
from emulator.actions import Tasks
from emulator.faults import Fault, Faults
from emulator.task import iso
from emulator.wire import Caller, Json, ServiceError

_VIA_CLOUDTRAIL = "AWS API Call via CloudTrail"

_log = logging.getLogger(__name__)


class Unanswered(Exception):
    """The caller is to hear nothing, but that the connection is closed after some seconds."""

    def __init__(self, after_s: float) -> None:
        super().__init__(f"no answer within {after_s:g} s")
        self.after_s = after_s


class Calls:
    """Makes calls.

    Parameters
    ----------
    tasks
        Answers them.
    faults
        What is planned to go wrong.
    """

    def __init__(self, tasks: Tasks, faults: Faults) -> None:
        self._tasks = tasks
        self._faults = faults

    async def make(self, caller: Caller, action: str, params: Json, agent: str) -> Json:
        """Return what an action answers.

        Parameters
        ----------
        agent
            Who calls, as CloudTrail's ``userAgent`` has it.

        Raises
        ------
        ServiceError
            What it refuses, on purpose or not.
        Unanswered
            If a test has planned it.
        """
        fault = self._faults.take(action, params)
        if fault is None or not fault.spoils_answer:
            return await self._do(caller, action, params, agent, fault)
        if fault.has_effect:
            await self._do(caller, action, params, agent, None)
        elif fault.error is not None:
            _record(caller, action, params, agent, refusal_of(fault))
        raise refusal_of(fault) if fault.error is not None else Unanswered(fault.hangs_s or 0)

    async def _do(
        self, caller: Caller, action: str, params: Json, agent: str, fault: Fault | None
    ) -> Json:
        act = self._tasks.actions.get(action)
        if act is None:
            raise ServiceError("InvalidAction", f"this emulator's targets cannot do {action}")
        try:
            said = await act(caller, params, fault)
        except ServiceError as error:
            _record(caller, action, params, agent, error)
            raise
        _record(caller, action, params, agent, said)
        return said


def refusal_of(fault: Fault) -> ServiceError:
    """Return the refusal that is planned."""
    return ServiceError(**{"status": 400, "message": "injected", **(fault.error or {})})


def _record(
    caller: Caller, action: str, params: Json, agent: str, came_of_it: Json | ServiceError
) -> None:
    """Put what CloudTrail says of RunTask onto the default bus, as where there is a trail.

    Source: "Amazon ECS log file entries"
    (docs.aws.amazon.com/AmazonECS/latest/developerguide/logging-using-cloudtrail.html), read
    2026-11. Real events come minutes later, and their times are written in words.
    """
    if action != "RunTask":
        return  # rules on anything else are not tried here
    account, now = seams.account_of(caller), iso(time.time())[:19] + "Z"
    detail: Json = {
        "eventVersion": "1.08",
        "userIdentity": {"type": "AssumedRole", "accountId": account},
        "eventTime": now,
        "eventSource": "ecs.amazonaws.com",
        "eventName": action,
        "awsRegion": caller.region,
        "sourceIPAddress": agent,
        "userAgent": agent,
        "requestParameters": params,
        "responseElements": None,
        "requestID": str(uuid.uuid4()),
        "eventID": str(uuid.uuid4()),
        "readOnly": False,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": account,
        "eventCategory": "Management",
    }
    if isinstance(came_of_it, ServiceError):
        # CloudTrail leaves the last word of these two out
        code = {"AccessDeniedException": "AccessDenied"}.get(came_of_it.code, came_of_it.code)
        detail |= {"errorCode": code, "errorMessage": came_of_it.message}
    else:
        detail["responseElements"] = came_of_it
    try:
        seams.put_event(caller, _VIA_CLOUDTRAIL, detail, [])
    except Exception:
        _log.exception("CloudTrail's event of a call is lost")
