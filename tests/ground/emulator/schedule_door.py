"""EventBridge Scheduler's own API: what it refuses, repeats and pages, before ministack answers.

Sources: CreateSchedule and ListSchedules in docs.aws.amazon.com/scheduler/latest/APIReference, read
2026-11. ministack takes any target, knows no ClientToken, and leaves out what is beyond a page.
"""

import re
from urllib.parse import parse_qsl, urlencode

from emulator import schedules
from emulator.calls import refusal_of
from emulator.faults import Faults
from emulator.inner import Inner
from emulator.wire import (
    Answer,
    Json,
    Receive,
    Scope,
    Send,
    ServiceError,
    break_off,
    caller_of,
    headers_of,
    json_of,
    read_body,
    rest_answer,
    rest_refusal,
)

_VERBS = {"POST": "Create", "PUT": "Update", "GET": "Get", "DELETE": "Delete"}
_NOUNS = {"schedules": "Schedule", "schedule-groups": "ScheduleGroup"}
_PATH = re.compile(r"/(schedules|schedule-groups)(?:/([^/]+))?")
_MOST_LISTED = 100


class ScheduleDoor:
    """Takes the requests of Scheduler's API; tests may spoil them as any others.

    Parameters
    ----------
    inner
        Has the schedules.
    faults
        What is planned to go wrong.
    """

    def __init__(self, inner: Inner, faults: Faults) -> None:
        self._inner = inner
        self._faults = faults
        #: Caller and ClientToken → the request that had it, and its answer.
        self._created: dict[tuple[str, str, str], tuple[bytes, Answer]] = {}

    @staticmethod
    def is_for(scope: Scope) -> bool:
        """Say whether a request is one of these; a bucket may be named as their paths are."""
        is_signed_for_it = "/scheduler/aws4_request" in headers_of(scope).get("authorization", "")
        return is_signed_for_it and _PATH.fullmatch(scope["path"]) is not None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or spoil it."""
        body = await read_body(receive)
        action, name = _action(scope)
        query = dict(parse_qsl(scope.get("query_string", b"").decode()))
        fault = self._faults.take(action, {**query, **json_of(body), "Name": name})
        if fault is None or not fault.spoils_answer:
            await (await self._answer(action, scope, query, body)).send(send)
            return
        if fault.has_effect:
            await self._answer(action, scope, query, body)
        if fault.error is not None:
            await rest_refusal(refusal_of(fault)).send(send)
        else:
            await break_off(fault.hangs_s or 0, send)

    async def _answer(self, action: str, scope: Scope, query: Json, body: bytes) -> Answer:
        try:
            match action:
                case "CreateSchedule":
                    schedules.check(json_of(body))
                    return await self._create(scope, body)
                case "UpdateSchedule":
                    schedules.check(json_of(body))
                case "ListSchedules":
                    return await self._list(scope, query)
        except ServiceError as error:
            return rest_refusal(error)
        return await self._inner.answer(scope, body)

    async def _create(self, scope: Scope, body: bytes) -> Answer:
        """Create one; a repeat with the same token is the first one's answer."""
        caller, token = caller_of(headers_of(scope)), json_of(body).get("ClientToken")
        request = scope["path"].encode() + body
        key = caller.access_key, caller.region, str(token)
        if token is not None and key in self._created:
            before, answer = self._created[key]
            if before != request:
                message = "The ClientToken is in use with other parameters."
                raise ServiceError("ConflictException", message, status=409)
            return answer
        answer = await self._inner.answer(scope, body)
        if answer.status == 200:
            self._created[key] = request, answer
        return answer

    async def _list(self, scope: Scope, query: Json) -> Answer:
        """Return a page: ministack's own would end the list."""
        start, most = query.pop("NextToken", 0), query.pop("MaxResults", _MOST_LISTED)
        everything = urlencode({**query, "MaxResults": 10**9}).encode()
        answer = await self._inner.answer({**scope, "query_string": everything}, b"")
        if answer.status != 200:
            return answer
        found = answer.json()["Schedules"]
        end = int(start) + min(int(most), _MOST_LISTED)
        more = {"NextToken": str(end)} if end < len(found) else {}
        return rest_answer({"Schedules": found[int(start) : end], **more})


def _action(scope: Scope) -> tuple[str, str]:
    """Return the name of the action that a request asks for, and the name in its path."""
    found = _PATH.fullmatch(scope["path"])
    assert found is not None, "one of these requests"
    noun, name = _NOUNS[found[1]], found[2]
    return (f"List{noun}s", "") if name is None else (_VERBS.get(scope["method"], "") + noun, name)
