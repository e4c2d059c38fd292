"""ministack, called in this process through its own wire: what tasks need of other services."""

import json
import re
from urllib.parse import urlencode

from emulator.wire import (
    Answer,
    App,
    Caller,
    Json,
    Receive,
    Scope,
    Send,
    ServiceError,
    read_again,
)

#: Service → prefix of X-Amz-Target, and the protocol's version.
_TARGETS = {
    "ecs": ("AmazonEC2ContainerServiceV20141113", "1.1"),
    "logs": ("Logs_20140328", "1.1"),
    "ssm": ("AmazonSSM", "1.1"),
    "secretsmanager": ("secretsmanager", "1.1"),
    "sqs": ("AmazonSQS", "1.0"),
}
_ROLE_FIELDS = ("AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration")


async def _nothing() -> Json:
    return {"type": "http.disconnect"}


class Inner:
    """The services behind the door.

    Parameters
    ----------
    app
        ministack's ASGI application.
    """

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on as it is."""
        await self._app(scope, receive, send)

    async def answer(self, scope: Scope, body: bytes) -> Answer:
        """Pass a request on, and return the whole answer."""
        status, headers, parts = 500, {}, []

        async def send(message: Json) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers.update(
                    {name.decode(): value.decode() for name, value in message["headers"]}
                )
            else:
                parts.append(message.get("body", b""))

        await self._app(scope, read_again(body, _nothing), send)
        return Answer(status, b"".join(parts), headers)

    async def call(self, caller: Caller, service: str, action: str, params: Json) -> Json:
        """Call an action of a service that speaks JSON; return its result.

        Raises
        ------
        ServiceError
            As the service refuses it.
        """
        prefix, version = _TARGETS[service]
        headers = {
            "x-amz-target": f"{prefix}.{action}",
            "content-type": f"application/x-amz-json-{version}",
        }
        answer = await self._post(caller, service, headers, json.dumps(params).encode())
        said = answer.json()
        if answer.status >= 400:
            code = str(said.get("__type", "InternalFailure")).rsplit("#", 1)[-1]
            message = str(said.get("message") or said.get("Message") or "")
            raise ServiceError(code, message, status=answer.status)
        return said

    async def assume_role(self, caller: Caller, role: str, session: str) -> dict[str, str]:
        """Return keys of a role, by the names that STS gives them (it speaks XML)."""
        form = {"Action": "AssumeRole", "Version": "2011-06-15", "RoleArn": role,
                "RoleSessionName": session}  # fmt: skip
        headers = {"content-type": "application/x-www-form-urlencoded"}
        answer = await self._post(caller, "sts", headers, urlencode(form).encode())
        text = answer.body.decode()
        found = {name: re.search(f"<{name}>([^<]+)<", text) for name in _ROLE_FIELDS}
        if answer.status != 200:
            raise ServiceError("AssumeRoleFailed", text, status=answer.status)
        return {name: match[1] for name, match in found.items() if match}

    async def _post(
        self, caller: Caller, service: str, headers: dict[str, str], body: bytes
    ) -> Answer:
        whole = {**headers, "host": "localhost", "content-length": str(len(body)),
                 "authorization": caller.authorization(service)}  # fmt: skip
        scope: Scope = {
            "type": "http", "http_version": "1.1", "method": "POST", "scheme": "http", "path": "/",
            "raw_path": b"/", "query_string": b"", "client": ("127.0.0.1", 0),
            "headers": [(name.encode(), value.encode()) for name, value in whole.items()],
        }  # fmt: skip
        return await self.answer(scope, body)
