"""The fake behind botocore's clients, without a socket.

botocore asks ``before-send`` handlers for a response before it opens a connection. What is before
that, and after it, is its own: serialisation, signing, parsing, error classes, retries.
"""

import functools
from collections.abc import Callable
from io import BytesIO
from typing import Any

from jupyter_flotilla.testing.fake_ecs.faults import Break
from jupyter_flotilla.testing.fake_ecs.wire import Answer

#: Service ids of the clients that are served, as events name them.
SERVICES = ("ecs", "sqs", "sts", "service-quotas", "cloudwatch", "cloudwatch-logs")

#: From method, URL, headers and body to the answer. Raises `Broken`.
Handler = Callable[[str, str, dict[str, str], bytes], Answer]


class Broken(Exception):
    """The connection breaks here, on purpose."""

    def __init__(self, how: Break) -> None:
        super().__init__(how)
        self.how = how


class _Raw(BytesIO):
    """What botocore reads a response from."""

    def stream(self, **_: Any) -> Any:
        yield self.read()


@functools.cache
def _loader() -> Any:
    """Return what reads botocore's models. Shared: reading that of ECS takes a while."""
    from botocore.loaders import Loader

    return Loader()


def new_session(region: str) -> Any:
    """Return a boto3 session with made-up credentials, whatever the environment says."""
    import boto3
    import botocore.session

    core = botocore.session.Session()
    core.register_component("data_loader", _loader())
    return boto3.Session("AKIAEXAMPLE", "secret", region_name=region, botocore_session=core)


def attach(events: Any, handle: Handler) -> None:
    """Put a handler behind the clients of an event emitter (``session.events``, …)."""
    from botocore.awsrequest import AWSResponse

    def before_send(request: Any, **_: Any) -> Any:
        headers = {name: _text(value) for name, value in request.headers.items()}
        try:
            answer = handle(request.method, request.url, headers, _bytes(request.body))
        except Broken as broken:
            raise _botocore_error(broken.how, request.url) from None
        return AWSResponse(request.url, answer.status, answer.headers, _Raw(answer.body))

    for service in SERVICES:
        events.register(f"before-send.{service}", before_send)


def _botocore_error(how: Break, url: str) -> Exception:
    from botocore.exceptions import (
        ConnectionClosedError,
        ConnectTimeoutError,
        ReadTimeoutError,
    )

    kinds: dict[Break, Any] = {
        "read-timeout": ReadTimeoutError,
        "connect-timeout": ConnectTimeoutError,
        "closed": ConnectionClosedError,
    }
    error: Exception = kinds[how](endpoint_url=url)
    return error


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _bytes(body: Any) -> bytes:
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    return body if isinstance(body, bytes) else bytes(body)
