"""Why a task's container never began, read off the words that ECS has for it. Pure."""

import re
from dataclasses import dataclass

from jupyter_flotilla.engines.ecs.verdict import Verdict, quoted
from jupyter_flotilla.model.observation import Again, FailureKind


@dataclass(frozen=True, kw_only=True, slots=True)
class _Case:
    """Words that mean something; the first case that matches counts."""

    #: All of these are in the text.
    words: tuple[str, ...]
    failure_kind: FailureKind
    again: Again
    message: str
    step: str | None = None

    def matches(self, said: str) -> bool:
        return all(re.search(one, said, re.IGNORECASE) for one in self.words)


_PULL = r"CannotPullContainer|CannotPullECRContainer|CannotPullImage"
_INIT = r"ResourceInitializationError"
#: Of networks and servers: may go away by itself.
_PASSING = (
    r"time-?out|timed out|deadline exceeded|RequestCanceled|send request failed|connection reset"
    r"|connection refused|unexpected EOF|\bTLS\b|status(?: code)?:? 5\d\d|\b50[0234] |no route"
    r"|service unavailable|internal server error|server misbehaving|try again"
)
_DENIED = r"AccessDenied|not authorized|UnauthorizedOperation|status code:? 40[13]|\b40[13] \w"
_NETWORK = (
    "jupyter flotilla doctor --engine ecs, if it goes on: the subnet needs a way to the internet "
    "or endpoints for ECR, S3 and logs"
)

_CASES = (
    _Case(
        words=(r"no space left on device",),
        failure_kind=FailureKind.ENVIRONMENT, again=Again.DISK,
        message="Its disk is full: image and files need more.", step="--disk 100G",
    ),
    _Case(
        words=(r"Timeout waiting for network interface provisioning",),
        failure_kind=FailureKind.INFRASTRUCTURE, again=Again.FREE,
        message="AWS could not give it a network interface in time.",
    ),
    _Case(
        words=(r"EphemeralStorage provisioning",),
        failure_kind=FailureKind.INFRASTRUCTURE, again=Again.FREE,
        message="AWS could not give it a disk in time.",
    ),
    _Case(
        words=(_PULL, r"toomanyrequests|too many requests|\b429\b|rate limit"),
        failure_kind=FailureKind.IMAGE, again=Again.FREE,
        message="The registry lets nobody pull so often.",
        step="an image in ECR, or a pull-through cache rule of ECR for this registry",
    ),
    _Case(
        words=(_PULL, r"does not contain descriptor matching platform|no match(?:ing)? for platform"
                      r"|no matching manifest for"),
        failure_kind=FailureKind.IMAGE, again=Again.NEVER,
        message="The image is for another kind of machine.",
        step="--arch arm64 or --arch x86_64, whichever the image is for",
    ),
    _Case(
        words=(_PULL, r"not found|manifest unknown|does not exist|invalid reference"),
        failure_kind=FailureKind.IMAGE, again=Again.NEVER,
        message="There is no such image.", step="mind the image's name and tag: --image",
    ),
    _Case(
        words=(_PULL, rf"unauthorized|no basic auth|authorization failed|denied|{_DENIED}"),
        failure_kind=FailureKind.IMAGE, again=Again.NEVER,
        message="The registry does not let this account pull the image.",
        step="have the execution role allowed to pull it: jupyter flotilla doctor --engine ecs",
    ),
    _Case(
        words=(_PULL, _PASSING),
        failure_kind=FailureKind.IMAGE, again=Again.FREE,
        message="The image could not be pulled.", step=_NETWORK,
    ),
    _Case(
        words=(_PULL,),
        failure_kind=FailureKind.IMAGE, again=Again.NEVER,
        message="The image could not be pulled.", step="mind the image's name: --image",
    ),
    _Case(
        words=(_INIT, rf"{_DENIED}|ResourceNotFound|does not exist|can't find the specified"),
        failure_kind=FailureKind.ENVIRONMENT, again=Again.NEVER,
        message="Its secrets, image or log group may not be read, or do not exist.",
        step="give the execution role what AWS names: jupyter flotilla doctor --engine ecs",
    ),
    _Case(
        words=(_INIT, _PASSING),
        failure_kind=FailureKind.INFRASTRUCTURE, again=Again.FREE,
        message="Its secrets, image or logs could not be reached.", step=_NETWORK,
    ),
    _Case(
        words=(_INIT,),
        failure_kind=FailureKind.ENVIRONMENT, again=Again.NEVER,
        message="Its task could not be prepared.", step="jupyter flotilla doctor --engine ecs",
    ),
    _Case(
        words=(r"exec format error",),
        failure_kind=FailureKind.IMAGE, again=Again.NEVER,
        message="The image is for another kind of machine.",
        step="--arch arm64 or --arch x86_64, whichever the image is for",
    ),
    _Case(
        words=(r"CannotStartContainer|CannotCreateContainer",),
        failure_kind=FailureKind.IMAGE, again=Again.NEVER,
        message="The image cannot run jobs.",
        step="--image with /bin/sh and Python 3.8 or later in it",
    ),
)  # fmt: skip


def start_failure(said: str) -> Verdict | None:
    """Return what these words of ECS mean; None: they do not tell of a start that failed."""
    for case in _CASES:
        if case.matches(said):
            return Verdict(
                failure_kind=case.failure_kind,
                again=case.again,
                message=f"{case.message} {quoted(said)}",
                next_step=case.step,
            )
    return None
