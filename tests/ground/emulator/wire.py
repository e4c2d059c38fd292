"""What travels: callers, refusals, and whole requests and answers of the JSON protocols."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hypercorn.events import Closed

Json = dict[str, Any]
Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Json]]
Send = Callable[[Json], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_CREDENTIAL = re.compile(r"Credential=([^/]+)/\d+/([^/]+)/")


@dataclass(frozen=True, slots=True)
class Caller:
    """For whom a call is made: ministack tells accounts apart by the access key."""

    access_key: str = "test"
    region: str = "us-east-1"

    def authorization(self, service: str) -> str:
        """Return a header that ministack takes: it does not look at signatures."""
        scope = f"{self.access_key}/20260101/{self.region}/{service}/aws4_request"
        return f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"


class ServiceError(Exception):
    """What a service refuses, with AWS's code and words."""

    def __init__(self, code: str, message: str, *, status: int = 400, **fields: Any) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.fields = fields


@dataclass(frozen=True, slots=True)
class Answer:
    """One whole HTTP response."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    def json(self) -> Json:
        """Return what its body says."""
        said: Json = json.loads(self.body or b"{}")
        return said

    async def send(self, send: Send) -> None:
        """Send it to whoever asked."""
        headers = [(name.lower().encode(), value.encode()) for name, value in self.headers.items()]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


def json_answer(said: object, status: int = 200) -> Answer:
    """Return an answer in the JSON protocol that ECS speaks."""
    body = json.dumps(said).encode()
    headers = {"Content-Type": "application/x-amz-json-1.1", "Content-Length": str(len(body))}
    return Answer(status, body, headers)


def refusal(error: ServiceError) -> Answer:
    """Return the answer that says no."""
    said = {"__type": error.code, "message": error.message, **error.fields}
    return json_answer(said, error.status)


def rest_answer(said: object, status: int = 200, **headers: str) -> Answer:
    """Return an answer in the protocol that EventBridge Scheduler speaks."""
    body = json.dumps(said).encode()
    given = {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}
    return Answer(status, body, given)


def rest_refusal(error: ServiceError) -> Answer:
    """Return the answer that says no in that protocol."""
    return rest_answer({"Message": error.message}, error.status, **{"x-amzn-ErrorType": error.code})


async def break_off(after_s: float, send: Send) -> None:
    """Close the connection of a request after some seconds, without an answer."""
    await asyncio.sleep(after_s)
    # ASGI has no word for it; hypercorn's own parts have: send is HTTPStream.app_send, that
    # stream's send is H11Protocol's, and its is the socket's
    protocol = send.__self__.send.__self__  # type: ignore[attr-defined]
    await protocol.send(Closed())


def json_of(body: bytes) -> Json:
    """Return the parameters of a request; none if it is no JSON, which whoever is meant refuses."""
    try:
        params = json.loads(body or b"{}")
    except ValueError:
        return {}
    return params if isinstance(params, dict) else {}


def headers_of(scope: Scope) -> dict[str, str]:
    """Return a request's headers, by names in lower case."""
    return {name.decode().lower(): value.decode("latin-1") for name, value in scope["headers"]}


def caller_of(headers: Mapping[str, str]) -> Caller:
    """Return who makes a signed call."""
    found = _CREDENTIAL.search(headers.get("authorization", ""))
    return Caller(found[1], found[2]) if found else Caller()


async def read_body(receive: Receive) -> bytes:
    """Return the whole body of a request."""
    parts, has_more = [], True
    while has_more:
        message = await receive()
        parts.append(message.get("body", b""))
        has_more = message.get("more_body", False)
    return b"".join(parts)


def read_again(body: bytes, receive: Receive) -> Receive:
    """Return a ``receive`` for one who has yet to read a body that was read here."""
    is_read = False

    async def again() -> Json:
        nonlocal is_read
        if is_read:
            return await receive()  # nothing more comes but the end of the connection
        is_read = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
