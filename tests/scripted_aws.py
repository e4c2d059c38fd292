"""AWS as a script of answers: botocore's real clients, and no network behind them.

Also a stand-in of `Account` for what is above it, which checks each request by AWS's own model.
"""

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import botocore.session
from botocore.awsrequest import AWSResponse
from botocore.validate import ParamValidator

from jupyter_flotilla.engines.ecs.throttle import Throttle

#: A key that is AWS's example, and a token that must never be shown.
ACCESS_KEY, SECRET_KEY, TOKEN = "AKIAIOSFODNN7EXAMPLE", "not-a-real-secret-key", "not-a-real-token"


@cache
def _session() -> Any:
    """Return one session for all: reading AWS's models takes half a second."""
    session = botocore.session.Session()
    session.set_credentials(ACCESS_KEY, SECRET_KEY, TOKEN)
    return session


class Raw:
    """The body of an answer."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, *_args: Any, **_options: Any) -> list[bytes]:
        return [self._body]


def answer(
    body: Mapping[str, Any] | str, status: int = 200, **headers: str
) -> Callable[[Any], AWSResponse]:
    """Return what answers a request; ``headers`` in Python's spelling."""
    text = body if isinstance(body, str) else json.dumps(body)
    named = {"content-type": "application/x-amz-json-1.1"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }

    def give(request: Any) -> AWSResponse:
        return AWSResponse(request.url, status, named, Raw(text.encode()))

    return give


def refusal(
    code: str, message: str = "", status: int = 400, **more: Any
) -> Callable[[Any], AWSResponse]:
    """Return an answer of ECS that refuses."""
    headers = {name: more.pop(name) for name in ("date",) if name in more}
    return answer({"__type": code, "message": message, **more}, status, **headers)


class Script:
    """What AWS answers, one request after the other; the last answer for all further ones."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        #: Names of the actions that were asked for, each time that something was sent.
        self.actions: list[str] = []

    def client(self, service: str) -> Any:
        made = _session().create_client(service, region_name="us-east-1")
        made.meta.events.register("before-send", self._answer)
        return made

    def _answer(self, request: Any, event_name: str, **_of_event: Any) -> Any:
        self.actions.append(event_name.rpartition(".")[2])
        one = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(one, Exception):
            raise one
        return one(request)


class Unlimited(Throttle):
    """Buckets that are never empty; how fast we ask is tested elsewhere."""

    def acquire(self, *_wanted: Any, **_options: Any) -> bool:
        return True


class FakeAccount:
    """What `Account` is to those who call it, answered by functions of the parameters.

    Parameters
    ----------
    answers
        ``service:Action`` → a function of the request's parameters, or what it returns or raises.
    """

    region = "us-east-1"
    cluster = "flotilla"

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self.answers = dict(answers)
        #: Each call: action and parameters.
        self.made: list[tuple[str, dict[str, Any]]] = []

    def call(
        self, service: str, action: str, /, *, wait_s: float = 30.0, **params: Any
    ) -> dict[str, Any]:
        model = _session().get_service_model(service).operation_model(action)
        report = ParamValidator().validate(params, model.input_shape)
        assert not report.has_errors(), report.generate_report()
        name = f"{service}:{action}"
        self.made.append((name, params))
        found = self.answers[name]
        if isinstance(found, list):
            found = found.pop(0) if len(found) > 1 else found[0]
        if callable(found):
            found = found(params)
        if isinstance(found, Exception):
            raise found
        given: dict[str, Any] = found
        return given

    def names(self) -> list[str]:
        """Return the actions that were called."""
        return [name for name, _ in self.made]
