"""What botocore raises, as one error of ours that says what to do next.

No secret gets into a message: what AWS says of a wrong signature holds the session's token.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal

from jupyter_flotilla.engines.ecs.throttle import is_throttle_answer
from jupyter_flotilla.errors import EngineUnavailable

#: ``waiting``: our own rate is used up, nothing was sent. ``failed``: AWS's own trouble.
#: ``refused``: what was asked is wrong, or cannot be now: see ``aws_code`` and ``aws_message``.
AwsErrorKind = Literal[
    "credentials", "permission", "clock", "configuration", "unreachable", "waiting", "throttled",
    "no-cluster", "conflict", "failed", "refused",
]  # fmt: skip

#: Codes for one thing differ by service: docs.aws.amazon.com/AmazonECS/latest/APIReference/
#: CommonErrors.html and docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html, 2026-11.
_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired"}
_WRONG_KEYS = {"UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId",
               "InvalidToken", "MissingAuthenticationToken", "MissingAuthenticationTokenException",
               "IncompleteSignature", "IncompleteSignatureException"}  # fmt: skip
_SIGNATURE = {"SignatureDoesNotMatch", "InvalidSignatureException", "RequestTimeTooSkewed"}
_DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation",
           "UnauthorizedException", "NotAuthorized", "OptInRequired"}  # fmt: skip
_ACTION = re.compile(r"not authorized to perform:? ([\w-]+:\w+)")
_RESOURCE = re.compile(r"on resource:? (\S+)")
#: ``Signature expired: 20261101T100000Z is now earlier than 20261101T101500Z (20261101T103000Z -
#: 15 min.)``, and with "not yet current", "later" and "+": ours first, AWS's own in brackets.
_SKEW = re.compile(r"Signature (?:expired|not yet current): (\d{8}T\d{6}Z).*\((\d{8}T\d{6}Z)")
#: Where a clock that is so far off makes signatures wrong, AWS says so; less may be the network.
_SKEWED_S = 240.0
_SECRET = re.compile(
    r"(?is)the canonical string for this request.*"
    r"|(?:x-amz-(?:security-token|signature|credential)|authorization)\s*[:=]\s*\S+"
)
#: Begin the names of actions that change nothing.
_READS = ("Describe", "List", "Get", "Receive")
#: What botocore calls an answer that is none of AWS's.
_GARBAGE = "ResponseParserError"
#: Of these no request has left: the connection never stood.
_NEVER_SENT = {"EndpointConnectionError", "ConnectTimeoutError", "ProxyConnectionError", "SSLError"}


class AwsError(EngineUnavailable):
    """AWS refuses, cannot be asked, or has not answered."""

    def __init__(
        self,
        message: str,
        *,
        kind: AwsErrorKind,
        action: str,
        aws_code: str = "",
        aws_message: str = "",
        is_unknown: bool = False,
        resources: tuple[str, ...] = (),
        next_step: str | None = None,
    ) -> None:
        super().__init__(message, next_step=next_step)
        self.kind: AwsErrorKind = kind
        #: As IAM calls it: ``ecs:RunTask``.
        self.action = action
        #: AWS's own word (``ClientException``); empty where there was no answer.
        self.aws_code = aws_code
        #: AWS's own sentence, without secrets.
        self.aws_message = aws_message
        #: True where the call may have had its effect: a repeat must be one that is harmless.
        self.is_unknown = is_unknown
        #: Of ``ConflictException``: ARNs of what the same ``clientToken`` has made.
        self.resources = resources

    @property
    def is_passing(self) -> bool:
        """Whether the same may succeed a little later, with nobody doing anything."""
        return self.kind in ("unreachable", "waiting", "throttled", "failed")


@dataclass(frozen=True, kw_only=True, slots=True)
class Access:
    """How AWS is asked, for people."""

    region: str
    #: ``profile 'dev'``, ``the keys in AWS_ACCESS_KEY_ID``.
    whose: str = "these credentials"
    #: What to do where they are no good (any more).
    login: str = "aws sso login, or renew the keys"
    #: Minutes since the login ended; None: not known.
    expired_min: int | None = None
    #: None: unknown.
    is_region: bool | None = None
    #: Name of the cluster.
    cluster: str = ""


def translated(error: Exception, action: str, access: Access, now: datetime) -> AwsError:
    """Return what an error of botocore means.

    Parameters
    ----------
    error
        A ``ClientError`` or ``BotoCoreError``.
    action
        As IAM calls it: ``ecs:RunTask``.
    """
    response = getattr(error, "response", None)
    if isinstance(response, dict):
        return _of_answer(response, action, access, now)
    return _without_answer(error, action, access)


def is_read(action: str) -> bool:
    """Say whether an action changes nothing, whatever becomes of it."""
    return action.rpartition(":")[2].startswith(_READS)


def is_uncertain(error: BaseException) -> bool:
    """Say whether a request without an answer may have had its effect.

    It may unless no connection was made; what botocore raises before it sends is no such error.
    """
    from botocore.exceptions import ConnectionError as NoConnection
    from botocore.exceptions import HTTPClientError

    if type(error).__name__ in _NEVER_SENT:
        return False
    is_garbage = type(error).__name__ == _GARBAGE
    return is_garbage or isinstance(error, (HTTPClientError, NoConnection))


def is_uncertain_answer(response: Mapping[str, Any]) -> bool:
    """Say whether an answer leaves open whether something was done: 5xx, but no throttle."""
    return _status(response) >= 500 and not is_throttle_answer(response)


def is_secret(error: AwsError) -> bool:
    """Say whether what is behind an error must not be shown: AWS may have quoted a token."""
    return error.kind in ("credentials", "clock")


def cleaned(text: str) -> str:
    """Return AWS's words without what could be a secret, on one line."""
    return " ".join(_SECRET.sub("***", text).split())[:1000]


def _of_answer(response: Mapping[str, Any], action: str, access: Access, now: datetime) -> AwsError:
    answer = response.get("Error", {})
    code, message = str(answer.get("Code", "")), cleaned(str(answer.get("Message", "")))

    def made(kind: AwsErrorKind, text: str, next_step: str | None = None) -> AwsError:
        found = response.get("resourceIds")
        resources = tuple(map(str, found)) if isinstance(found, list) else ()
        return AwsError(
            text, kind=kind, action=action, aws_code=code, aws_message=message,
            resources=resources, next_step=next_step,
        )  # fmt: skip

    if is_throttle_answer(response):
        return made(
            "throttled",
            f"AWS answers {action} with {code} ({message}): others in this account and region use "
            "up its rate",
            "wait; a smaller ecs.api_share leaves more to others, AWS Support raises the rate",
        )
    if code in _EXPIRED:
        return made("credentials", _expired_words(access), access.login)
    if code in _SIGNATURE and (skew := _skew_min(response, message, now)) is not None:
        early = "behind" if skew < 0 else "ahead"
        return made(
            "clock",
            f"this machine's clock is {abs(skew)} minutes {early} of AWS's, which refuses requests "
            "that are more than 5 off",
            "set the clock: sudo timedatectl set-ntp true (or sudo chronyc makestep)",
        )
    if code in _WRONG_KEYS | _SIGNATURE:
        return made("credentials", f"AWS does not accept {access.whose} ({code})", access.login)
    if code in _DENIED:
        return _denied(made, action, message, access)
    if code == "ClusterNotFoundException":
        return made(
            "no-cluster",
            f"there is no cluster {access.cluster or '(none is set)'} in {access.region}",
            "set ecs.cluster and region in flotilla.toml, or make one: jupyter flotilla setup-aws",
        )
    if code == "ConflictException":
        return made("conflict", f"AWS has this {action} already, with other parameters: {message}")
    if is_uncertain_answer(response):
        return made(
            "failed",
            f"AWS itself failed at {action} in {access.region}: {code}: {message}",
            "try again in a minute; health.aws.amazon.com says what AWS knows of it",
        )
    return made("refused", f"AWS refuses {action}: {message} ({code})")


def _denied(made: Any, action: str, message: str, access: Access) -> AwsError:
    """Return whose, which and on what; some services say no more than that it was denied."""
    what, where = _ACTION.search(message), _RESOURCE.search(message)
    denied = what[1] if what else action
    on = f" on {where[1]}" if where else ""
    words = "" if what else f": {message}"
    error: AwsError = made(
        "permission",
        f"{access.whose} may not {denied}{on}{words}",
        f"have {denied} allowed{on}; 'jupyter flotilla setup-aws --plan' prints the whole policy",
    )
    return error


def _without_answer(error: Exception, action: str, access: Access) -> AwsError:
    """Return what it means that there is no answer: mostly that nothing was sent."""
    kind, words = type(error).__name__, _first_line(error)
    if kind == "NoCredentialsError":
        return AwsError(
            f"there are no AWS credentials for {access.whose}",
            kind="credentials", action=action, next_step=access.login,
        )  # fmt: skip
    if _is_login(kind):
        return AwsError(
            _expired_words(access), kind="credentials", action=action, next_step=access.login
        )
    if "Credential" in kind:  # of a file, a process, a role, metadata of a machine
        return AwsError(
            f"the AWS credentials of {access.whose} cannot be had: {words}",
            kind="credentials", action=action, next_step=access.login,
        )  # fmt: skip
    if kind == "ProfileNotFound":
        return AwsError(
            words, kind="configuration", action=action,
            next_step="ecs.profile in flotilla.toml or AWS_PROFILE; 'aws configure list-profiles' "
            "names those that exist",
        )  # fmt: skip
    if kind in ("NoRegionError", "InvalidRegionError"):
        return _no_region(words, action, access)
    return _of_network(error, words, action, access)


def no_answer(action: str, access: Access) -> AwsError:
    """Return what it means that something answers which cannot be AWS.

    A page of a proxy with status 200 is to botocore an answer that says nothing.
    """
    return AwsError(
        f"what answers {action} for AWS in {access.region} is not AWS",
        kind="failed", action=action, is_unknown=not is_read(action),
        next_step="look at the proxy and at AWS_ENDPOINT_URL",
    )  # fmt: skip


def _of_network(error: Exception, words: str, action: str, access: Access) -> AwsError:
    from botocore.exceptions import ConnectionError as NoConnection
    from botocore.exceptions import HTTPClientError

    if type(error).__name__ == _GARBAGE:
        return no_answer(action, access)
    if not isinstance(error, (HTTPClientError, NoConnection)):
        text = f"AWS cannot be asked for {action}: {words}"
        return AwsError(text, kind="configuration", action=action)
    if access.is_region is False:
        return _no_region(words, action, access)
    return AwsError(
        f"AWS cannot be reached for {action} in {access.region}: {words}",
        kind="unreachable", action=action,
        next_step="look at the network, the proxy, the region and AWS_ENDPOINT_URL",
    )  # fmt: skip


def _no_region(words: str, action: str, access: Access) -> AwsError:
    return AwsError(
        f"{access.region!r} is no AWS region with ECS in it ({words})",
        kind="configuration", action=action,
        next_step="set region in flotilla.toml, e.g. us-east-1",
    )  # fmt: skip


def _is_login(kind: str) -> bool:
    """Say whether an error of botocore is about a login of ``aws sso login`` or ``aws login``."""
    return "SSO" in kind or kind == "TokenRetrievalError" or kind.startswith("Login")


def _expired_words(access: Access) -> str:
    ago = "" if access.expired_min is None else f" {access.expired_min} min ago"
    return f"AWS session for {access.whose} expired{ago}"


def _skew_min(response: Mapping[str, Any], message: str, now: datetime) -> int | None:
    """Return how many minutes this clock is ahead of AWS's; None: that is not what is wrong."""
    ours, theirs = now, None
    if found := _SKEW.search(message):
        ours, theirs = (_instant(text) for text in found.groups())
    else:
        date = response.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
        try:
            theirs = parsedate_to_datetime(str(date))
        except ValueError:
            return None
    ahead_s = (ours - theirs.astimezone(UTC)).total_seconds()
    return None if abs(ahead_s) < _SKEWED_S else round(ahead_s / 60)


def _instant(text: str) -> datetime:
    return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def _status(response: Mapping[str, Any]) -> int:
    return int(response.get("ResponseMetadata", {}).get("HTTPStatusCode") or 0)


def _first_line(error: Exception) -> str:
    """Return an error's words without a URL's query, which may hold a signature."""
    line = (str(error).splitlines() or [type(error).__name__])[0]
    return cleaned(
        " ".join(word.partition("?")[0] if "://" in word else word for word in line.split(" "))
    )
