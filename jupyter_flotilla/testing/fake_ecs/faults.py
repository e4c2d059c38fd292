"""What can go wrong with a call, on purpose: before it has an effect, or after it.

The difference matters: after a time-out nobody knows which it was. ``has_effect=True`` is the
nasty one: the task was started, and the caller never heard of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from jupyter_flotilla.testing.fake_ecs.refusals import Json, ServiceError, throttled

#: How a connection breaks. In another process all of them are a closed socket.
Break = Literal["read-timeout", "connect-timeout", "closed"]

#: The reason of a refusal for want of Fargate capacity, as AWS words it.
NO_CAPACITY = (
    "Capacity is unavailable at this time. Please try again later or in a different "
    "availability zone"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """One way in which a call goes wrong; made by the functions of this module."""

    name: str
    #: Whether the service does what it was asked, before things go wrong.
    has_effect: bool = False
    #: The service's answer.
    error: ServiceError | None = None
    #: How the connection breaks instead of an answer.
    breaks: Break | None = None
    #: What comes instead of an answer that can be read.
    body: bytes | None = None
    #: What RunTask says in ``failures``, with HTTP 200.
    failures: Sequence[Json] = field(default=())


def throttle() -> Fault:
    """Return a fault: ``ThrottlingException``, "Rate exceeded"."""
    return Fault(name="throttled", error=throttled())


def disguised_throttle(code: str = "ClientException", message: str = "Rate exceeded") -> Fault:
    """Return a fault: a throttle under another name, as dagster's issue 33439 has met it."""
    return Fault(name="disguised-throttle", error=ServiceError(code, message))


def server_error(*, has_effect: bool = False, status: int = 500) -> Fault:
    """Return a fault: HTTP 5xx, before or after the effect."""
    error = ServiceError("ServerException", "Service Unavailable. Please try again later.",
                         status=status)  # fmt: skip
    return Fault(name="server-error", has_effect=has_effect, error=error)


def service_error(code: str, message: str, *, status: int = 400, has_effect: bool = False) -> Fault:
    """Return a fault: any other error, such as ``ClientException`` with words of your own."""
    error = ServiceError(code, message, status=status)
    return Fault(name=code, has_effect=has_effect, error=error)


def read_timeout(*, has_effect: bool = True) -> Fault:
    """Return a fault: the answer never comes."""
    return Fault(name="read-timeout", has_effect=has_effect, breaks="read-timeout")


def connect_timeout() -> Fault:
    """Return a fault: no connection; there is never an effect."""
    return Fault(name="connect-timeout", breaks="connect-timeout")


def connection_closed(*, has_effect: bool = True) -> Fault:
    """Return a fault: the connection is closed before the answer."""
    return Fault(name="connection-closed", has_effect=has_effect, breaks="closed")


def garbage(*, has_effect: bool = True, body: bytes = b"<html>proxy error</html>") -> Fault:
    """Return a fault: HTTP 200 with a body that is no answer."""
    return Fault(name="garbage", has_effect=has_effect, body=body)


def refusal(reason: str = NO_CAPACITY, detail: str | None = None) -> Fault:
    """Return a fault of RunTask: HTTP 200 with ``failures`` and no task.

    It is kept under the request's client token, as ECS keeps it: a replay gives it again.

    Parameters
    ----------
    reason
        Such as ``RESOURCE:MEMORY``, ``AGENT``, ``ATTRIBUTE`` or the words about capacity.
    detail
        More words.
    """
    failure = {"reason": reason} if detail is None else {"reason": reason, "detail": detail}
    return Fault(name="refusal", has_effect=True, failures=(failure,))


def access_denied(action: str = "ecs:RunTask") -> Fault:
    """Return a fault: the caller's policy does not allow the action."""
    message = (
        f"User: arn:aws:sts::123456789012:assumed-role/notebook/me is not authorized to perform: "
        f"{action} because no identity-based policy allows the {action} action"
    )
    return Fault(name="access-denied", error=ServiceError("AccessDeniedException", message))


def expired_token() -> Fault:
    """Return a fault: the caller's credentials have expired."""
    message = "The security token included in the request is expired"
    return Fault(name="expired-token", error=ServiceError("ExpiredTokenException", message))


@dataclass(slots=True)
class _Plan:
    """A fault that waits for calls."""

    action: str
    fault: Fault
    #: Calls still to spoil; None: all.
    left: int | None
    probability: float


class Faults:
    """The faults that are planned, in order."""

    def __init__(self) -> None:
        self._plans: list[_Plan] = []

    def plan(
        self, action: str, fault: Fault, *, times: int | None, probability: float = 1.0
    ) -> None:
        """Plan a fault for calls of an action, ``*`` for any."""
        self._plans.append(_Plan(action, fault, times, probability))

    def clear(self) -> None:
        """Forget all plans."""
        self._plans.clear()

    def next(self, action: str, draw: float) -> Fault | None:
        """Return the fault of a call that comes now, and count it.

        Parameters
        ----------
        action
            What is called.
        draw
            A random number of at least 0 and less than 1.
        """
        for plan in self._plans:
            if plan.action not in (action, "*") or plan.left == 0:
                continue
            if draw >= plan.probability:
                # one draw for all random plans: their probabilities add up
                draw -= plan.probability
                continue
            if plan.left is not None:
                plan.left -= 1
            return plan.fault
        return None
