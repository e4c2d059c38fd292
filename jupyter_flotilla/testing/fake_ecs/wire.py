"""The services' protocols: from an HTTP request to an action, and from its result to an answer.

As botocore 1.44's models have them: ECS, Service Quotas and Logs speak JSON 1.1, SQS JSON 1.0, STS
the query protocol with XML, and CloudWatch Smithy's RPC v2 in CBOR (JSON 1.0 is understood too).
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qsl, urlsplit
from xml.sax.saxutils import escape

from jupyter_flotilla.testing.fake_ecs import cbor
from jupyter_flotilla.testing.fake_ecs.refusals import Json, ServiceError

Protocol = Literal["json-1.0", "json-1.1", "query", "cbor"]

#: Prefix of X-Amz-Target → service, as botocore names it, and its protocol.
_TARGETS: Mapping[str, tuple[str, Protocol]] = {
    "AmazonEC2ContainerServiceV20141113": ("ecs", "json-1.1"),
    "AmazonSQS": ("sqs", "json-1.0"),
    "ServiceQuotasV20190624": ("service-quotas", "json-1.1"),
    "Logs_20140328": ("logs", "json-1.1"),
    "GraniteServiceVersion20100801": ("cloudwatch", "json-1.0"),
}
#: Version of the query protocol → service.
_VERSIONS = {"2011-06-15": "sts"}
_RPC_PATH = re.compile(r"/service/(\w+)/operation/(\w+)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One request, understood."""

    service: str
    action: str
    params: Json
    protocol: Protocol


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """One HTTP response."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


def read(path: str, headers: Mapping[str, str], body: bytes) -> Call:
    """Return what a request asks for.

    Raises
    ------
    ServiceError
        No service of these is meant.
    """
    lower = {name.lower(): value for name, value in headers.items()}
    rpc = _RPC_PATH.search(urlsplit(path).path)
    if rpc:
        service, _ = _TARGETS.get(rpc[1], ("unknown", "json-1.0"))
        return Call(service=service, action=rpc[2], params=_map(cbor.loads(body)), protocol="cbor")
    target = lower.get("x-amz-target", "")
    if target:
        prefix, _, action = target.partition(".")
        if prefix not in _TARGETS:
            raise ServiceError("UnknownOperationException", f"no service {prefix} here", status=404)
        service, protocol = _TARGETS[prefix]
        params = _map(json.loads(body or b"{}"))
        return Call(service=service, action=action, params=params, protocol=protocol)
    form = dict(parse_qsl(body.decode()))
    if form.get("Version") in _VERSIONS:
        service = _VERSIONS[form.pop("Version")]
        return Call(service=service, action=form.pop("Action"), params=form, protocol="query")
    raise ServiceError("UnknownOperationException", "no service of these is meant", status=404)


def answer(call: Call, result: Json, request_id: str) -> Answer:
    """Return the response to a call that went well."""
    headers = {"x-amzn-RequestId": request_id}
    if call.protocol == "cbor":
        headers |= {"Content-Type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}
        return Answer(status=200, body=cbor.dumps(result), headers=headers)
    if call.protocol == "query":
        inner = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in result.items())
        xml = (
            f'<{call.action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
            f"<{call.action}Result>{inner}</{call.action}Result>"
            f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>"
            f"</{call.action}Response>"
        )
        return Answer(status=200, body=xml.encode(), headers=headers | {"Content-Type": "text/xml"})
    headers["Content-Type"] = f"application/x-amz-{call.protocol}"
    return Answer(status=200, body=json.dumps(result).encode(), headers=headers)


def refusal(protocol: Protocol, error: ServiceError, request_id: str) -> Answer:
    """Return the response to a call that is refused."""
    headers = {"x-amzn-RequestId": request_id}
    fields = dict(error.fields)
    if protocol == "query":
        code = error.code.removesuffix("Exception")
        xml = (
            '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error>'
            f"<Type>Sender</Type><Code>{code}</Code><Message>{escape(error.message)}</Message>"
            f"</Error><RequestId>{request_id}</RequestId></ErrorResponse>"
        )
        return Answer(
            status=error.status, body=xml.encode(), headers=headers | {"Content-Type": "text/xml"}
        )
    if query_code := fields.pop("query_code", None):
        # services that once spoke the query protocol keep their old codes so
        headers["x-amzn-query-error"] = f"{query_code};Sender"
    body = {"__type": error.code, "message": error.message, **fields}
    if protocol == "cbor":
        headers |= {"Content-Type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}
        return Answer(status=error.status, body=cbor.dumps(body), headers=headers)
    headers["Content-Type"] = f"application/x-amz-{protocol}"
    return Answer(status=error.status, body=json.dumps(body).encode(), headers=headers)


def _map(value: object) -> Json:
    if not isinstance(value, dict):
        raise ServiceError("SerializationException", "the body is no object")
    return value
