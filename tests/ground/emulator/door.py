"""The ASGI application that listens: who answers a request, and what goes wrong on purpose."""

import asyncio
import json
import logging

from hypercorn.events import Closed

from emulator.actions import Tasks
from emulator.control import PREFIX, Control
from emulator.faults import Fault, Faults
from emulator.inner import Inner
from emulator.metadata import Metadata
from emulator.wire import (
    Answer,
    Json,
    Receive,
    Scope,
    Send,
    ServiceError,
    caller_of,
    headers_of,
    json_answer,
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
    tasks, metadata, control
        Answer what is theirs.
    faults
        What is planned to go wrong.
    """

    def __init__(
        self, inner: Inner, tasks: Tasks, metadata: Metadata, control: Control, faults: Faults
    ) -> None:
        self._inner = inner
        self._tasks = tasks
        self._metadata = metadata
        self._control = control
        self._faults = faults

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
        else:
            await self._inner(scope, receive, send)  # S3, and all that speaks no JSON

    async def _call(self, target: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a call of a service that speaks JSON."""
        body = await read_body(receive)
        service, _, action = target.partition(".")
        params = _params(body)
        fault = self._faults.take(action, params)
        is_ours = service == _ECS and action in self._tasks.actions
        if fault is not None and fault.spoils_answer:
            if fault.has_effect and is_ours:
                await self._ours(action, scope, params, None)
            elif fault.has_effect:
                await self._inner.answer(scope, body)
            await _spoil(fault, send)
        elif is_ours:
            await (await self._ours(action, scope, params, fault)).send(send)
        else:
            await self._inner(scope, read_again(body, receive), send)

    async def _ours(self, action: str, scope: Scope, params: Json, fault: Fault | None) -> Answer:
        caller = caller_of(headers_of(scope))
        try:
            return json_answer(await self._tasks.actions[action](caller, params, fault))
        except ServiceError as error:
            return refusal(error)
        except Exception:
            _log.exception("the emulator failed %s", action)
            return refusal(ServiceError("ServerException", "the emulator failed", status=500))


def _params(body: bytes) -> Json:
    try:
        params = json.loads(body or b"{}")
    except ValueError:
        return {}  # whoever is meant will refuse it
    return params if isinstance(params, dict) else {}


async def _spoil(fault: Fault, send: Send) -> None:
    """Answer as the fault says, or break the connection."""
    if fault.error is not None:
        error = {"status": 400, "message": "injected", **fault.error}
        await refusal(ServiceError(**error)).send(send)
        return
    await asyncio.sleep(fault.hangs_s or 0)
    # ASGI has no word for closing a connection without an answer; hypercorn's own parts have:
    # send is HTTPStream.app_send, that stream's send is H11Protocol's, and its is the socket's
    protocol = send.__self__.send.__self__  # type: ignore[attr-defined]
    await protocol.send(Closed())
