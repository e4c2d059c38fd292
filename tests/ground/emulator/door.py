"""The ASGI application that listens: who answers a request, and what goes wrong on purpose."""

import logging

from emulator.actions import Tasks
from emulator.calls import Calls, Unanswered, refusal_of
from emulator.control import PREFIX, Control
from emulator.faults import Fault, Faults
from emulator.inner import Inner
from emulator.metadata import Metadata
from emulator.schedule_door import ScheduleDoor
from emulator.wire import (
    Json,
    Receive,
    Scope,
    Send,
    ServiceError,
    break_off,
    caller_of,
    headers_of,
    json_answer,
    json_of,
    read_again,
    read_body,
    refusal,
)

_ECS = "AmazonEC2ContainerServiceV20141113"

_log = logging.getLogger(__name__)


class Door:
    """Takes every request.

    Parameters
    ----------
    inner
        Answers what nobody here does.
    tasks
        Whose actions are not ministack's.
    calls, metadata, control
        Answer what is theirs.
    faults
        What is planned to go wrong.
    """

    def __init__(
        self,
        inner: Inner,
        tasks: Tasks,
        calls: Calls,
        metadata: Metadata,
        control: Control,
        faults: Faults,
    ) -> None:
        self._inner = inner
        self._tasks = tasks
        self._calls = calls
        self._metadata = metadata
        self._control = control
        self._faults = faults
        self._schedules = ScheduleDoor(inner, faults)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or pass it on."""
        path = scope.get("path", "")
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
        elif path.startswith(PREFIX):
            body = await read_body(receive)
            query = scope.get("query_string", b"").decode()
            await (await self._control.answer(scope["method"], path, query, body)).send(send)
        elif path.startswith(("/v2/credentials/", "/v4/")):
            await (await self._metadata.answer(path)).send(send)
        elif target := headers_of(scope).get("x-amz-target"):
            await self._call(target, scope, receive, send)
        elif self._schedules.is_for(scope):
            await self._schedules(scope, receive, send)
        else:
            await self._inner(scope, receive, send)  # S3, and all that speaks no JSON

    async def _call(self, target: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a call of a service that speaks JSON."""
        body = await read_body(receive)
        service, _, action = target.partition(".")
        params = json_of(body)
        if service == _ECS and action in self._tasks.actions:
            await self._call_tasks(action, scope, params, send)
            return
        fault = self._faults.take(action, params)
        if fault is None or not fault.spoils_answer:
            await self._inner(scope, read_again(body, receive), send)
            return
        if fault.has_effect:
            await self._inner.answer(scope, body)
        await _spoil(fault, send)

    async def _call_tasks(self, action: str, scope: Scope, params: Json, send: Send) -> None:
        headers = headers_of(scope)
        agent = headers.get("user-agent", "")
        try:
            said = await self._calls.make(caller_of(headers), action, params, agent)
            await json_answer(said).send(send)
        except ServiceError as error:
            await refusal(error).send(send)
        except Unanswered as error:
            await break_off(error.after_s, send)
        except Exception:
            _log.exception("the emulator failed %s", action)
            said_no = ServiceError("ServerException", "the emulator failed", status=500)
            await refusal(said_no).send(send)


async def _spoil(fault: Fault, send: Send) -> None:
    """Answer as the fault says, or break the connection."""
    if fault.error is not None:
        await refusal(refusal_of(fault)).send(send)
    else:
        await break_off(fault.hangs_s or 0, send)
