"""The one way to AWS: clients, made when they are needed, asked no faster than is allowed."""

import hashlib
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from jupyter_flotilla.clock import utc_now
from jupyter_flotilla.engines.ecs import aws_session
from jupyter_flotilla.engines.ecs.aws_errors import (
    Access,
    AwsError,
    is_read,
    is_secret,
    is_uncertain,
    is_uncertain_answer,
    no_answer,
    translated,
)
from jupyter_flotilla.engines.ecs.throttle import (
    Throttle,
    categories,
    is_throttle,
    is_throttle_answer,
    priority,
)
from jupyter_flotilla.protocol import read_json, write_json
from jupyter_flotilla.settings import Settings

__all__ = ["Account", "AwsError", "Identity"]

#: Folder in the home of what is known of the account.
FOLDER = "ecs"
_RATES, _IDENTITIES = "rates.json", "identities.json"
#: The longest that a call waits for its turn and for AWS's patience.
WAIT_S = 30.0
#: Pauses after a throttle, beside what its bucket makes a caller wait: doubled each time.
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.25, 5.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """Who asks AWS."""

    #: Twelve digits.
    account: str
    #: ARN of the user or of the session of a role.
    arn: str


@dataclass(slots=True)
class _Tries:
    """What became of the requests of one call, botocore's own repeats among them."""

    sent: int = 0
    #: True where one may have had its effect and nobody knows.
    is_uncertain: bool = False
    is_throttled: bool = False

    def note(self, error: Exception) -> None:
        """Take note of an error that a request ended with."""
        response = getattr(error, "response", None)
        if isinstance(response, dict):
            self.note_answer(response)
        else:
            self.is_uncertain |= is_uncertain(error)

    def note_answer(self, response: Mapping[str, Any]) -> None:
        """Take note of what AWS has answered."""
        if is_throttle_answer(response):
            self.is_throttled = True
        else:
            self.is_uncertain |= is_uncertain_answer(response)


class Account:
    """An AWS account in one region, as these settings reach it. Safe from several threads.

    Parameters
    ----------
    make_client
        Returns botocore's client of a service; None: one of the profile, region and endpoint.
    sleep, jitter
        Pause for seconds; return a number from 0 to 1.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        make_client: Callable[[str], Any] | None = None,
        throttle: Throttle | None = None,
        environ: Mapping[str, str] = os.environ,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.region = settings.region
        self.cluster = settings.ecs.cluster or ""
        self._profile = settings.ecs.profile
        self._share = settings.ecs.api_share
        self._folder = settings.home / FOLDER
        self._environ = environ
        self._clock, self._sleep, self._jitter = clock, sleep, jitter
        self._make_client = make_client
        self._lock = threading.RLock()
        self._clients: dict[str, Any] = {}
        self._session: Any = None
        self._throttle = throttle
        self._identity: Identity | None = None
        self._counts: Counter[str] = Counter()
        self._of_thread = threading.local()

    def call(
        self, service: str, action: str, /, *, wait_s: float = WAIT_S, **params: Any
    ) -> dict[str, Any]:
        """Ask AWS, when it is this call's turn, and again where that is harmless.

        Parameters
        ----------
        service, action
            As boto3 and the API reference call them: ``ecs``, ``RunTask``.
        wait_s
            The longest to wait for our own rate and after AWS's throttles; 0: not at all.
        params
            Of the request, as boto3 takes them.

        Raises
        ------
        AwsError
            ``is_unknown`` where something may have been done all the same.
        """
        wanted = categories(service, action, is_fargate=_is_fargate(params))
        rank, deadline = priority(service, action), self._clock() + wait_s
        pause_s, uncertain = _FIRST_PAUSE_S, False
        while True:
            left_s = max(0.0, deadline - self._clock())
            if not self.throttle.acquire(wanted, rank, left_s):
                raise _must_wait(f"{service}:{action}", wait_s, uncertain)
            tries = _Tries()
            try:
                answer = self._ask(service, action, params, tries)
                if service == "ecs" and answer.keys() <= {"ResponseMetadata"}:
                    raise no_answer(f"{service}:{action}", self._access())
                return answer
            except aws_session.errors() as error:
                tries.note(error)
                uncertain |= tries.is_uncertain
                if not is_throttle(error) or self._clock() + pause_s > deadline:
                    problem = self._problem(error, f"{service}:{action}", uncertain)
                    raise problem from (None if is_secret(problem) else error)
            finally:
                if tries.is_throttled:
                    self.throttle.throttled(wanted)
                with self._lock:
                    self._counts[f"{service}:{action}"] += tries.sent
            self._sleep(pause_s * (0.5 + self._jitter() / 2))
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)

    @property
    def calls(self) -> Mapping[str, int]:
        """How many requests were sent, by action (``ecs:RunTask``), repeats among them."""
        with self._lock:
            return dict(self._counts)

    @property
    def throttle(self) -> Throttle:
        """The buckets that calls take tokens from."""
        with self._lock:
            if self._throttle is None:
                known = self.known_identity()
                whose = known.account if known else self._profile or "default"
                self._throttle = Throttle(
                    self._share, file=self._folder / _RATES, name=f"{whose} {self.region}"
                )
            return self._throttle

    def identity(self) -> Identity:
        """Return who asks; without credentials that are good now, who it was the last time.

        Asks AWS once for each set of keys, whichever process has them.

        Raises
        ------
        AwsError
            If that was never known.
        """
        if self._identity is None:
            try:
                self._identity = self._asked_identity()
            except AwsError:
                known = self.known_identity()
                if known is None:
                    raise
                return known  # not kept: a login may make it another's
        return self._identity

    def known_identity(self) -> Identity | None:
        """Return who it was the last time, without asking anybody; None: never known."""
        return self._identity or _identity(self._kept().get(self._way))

    @property
    def _way(self) -> str:
        """What tells one way to AWS from another in the file of identities."""
        profile = self._profile or self._environ.get("AWS_PROFILE") or "default"
        return f"{profile} {self._environ.get('AWS_ENDPOINT_URL', '')}".strip()

    def _asked_identity(self) -> Identity:
        keys = self._keys_digest()
        kept = self._kept().get(self._way)
        known = _identity(kept)
        if known is not None and keys and isinstance(kept, dict) and kept.get("keys") == keys:
            return known
        answer = self.call("sts", "GetCallerIdentity")
        found = Identity(account=answer["Account"], arn=answer["Arn"])
        with suppress(OSError):
            # this may be the first thing that a home ever holds
            self._folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._folder.mkdir(mode=0o700, exist_ok=True)
            entry = {"account": found.account, "arn": found.arn, "keys": keys}
            write_json(str(self._folder / _IDENTITIES), {**self._kept(), self._way: entry})
        return found

    def _kept(self) -> dict[str, Any]:
        with suppress(OSError):
            return read_json(str(self._folder / _IDENTITIES)) or {}
        return {}

    def _keys_digest(self) -> str:
        """Return what tells the keys in use from others; empty: not known."""
        if self._make_client is not None:
            return ""
        try:
            with self._lock:
                found = self._opened().get_credentials()
            access_key = "" if found is None else found.get_frozen_credentials().access_key
        except aws_session.errors() as error:
            problem = self._problem(error, "sts:GetCallerIdentity", False)
            raise problem from (None if is_secret(problem) else error)
        return hashlib.sha256(access_key.encode()).hexdigest()[:16] if access_key else ""

    def _ask(
        self, service: str, action: str, params: Mapping[str, Any], tries: _Tries
    ) -> dict[str, Any]:
        from botocore import xform_name

        client = self._client(service)
        self._of_thread.tries = tries
        try:
            answer: dict[str, Any] = getattr(client, xform_name(action))(**params)
        finally:
            self._of_thread.tries = None
        tries.sent = tries.sent or 1  # a client that sends nothing, of a test, has no events
        return answer

    def _client(self, service: str) -> Any:
        with self._lock:  # making clients is not safe from several threads
            if service not in self._clients:
                if self._make_client is not None:
                    client = self._make_client(service)
                else:
                    client = aws_session.client(self._opened(), service, self.region)
                client.meta.events.register("response-received", self._received)
                self._clients[service] = client
            return self._clients[service]

    def _opened(self) -> Any:
        if self._session is None:
            self._session = aws_session.opened(self._profile)
        return self._session

    def _received(
        self, parsed_response: Any = None, exception: Any = None, **_of_event: Any
    ) -> None:
        """Note what became of one request: botocore repeats some, and shows the last one only."""
        tries: _Tries | None = getattr(self._of_thread, "tries", None)
        if tries is None:
            return
        tries.sent += 1
        if exception is not None:
            tries.note(exception)
        elif parsed_response:
            tries.note_answer(parsed_response)

    def _problem(self, error: Exception, action: str, is_uncertain: bool) -> AwsError:
        problem = translated(error, action, self._access(), utc_now())
        # what has made something already is told by name, and so is known
        problem.is_unknown = is_uncertain and not is_read(action) and problem.kind != "conflict"
        if problem.kind == "credentials":
            with self._lock:  # the next call reads anew what a login may have written meanwhile
                self._clients.clear()
                self._session = self._identity = None
        return problem

    def _access(self) -> Access:
        return aws_session.access(
            self._session,
            profile=self._profile,
            region=self.region,
            cluster=self.cluster,
            environ=self._environ,
            now=utc_now(),
        )


def _is_fargate(params: Mapping[str, Any]) -> bool:
    """Say whether the task of a RunTask will be Fargate's, as far as the request says."""
    strategy = params.get("capacityProviderStrategy") or ()
    providers = [str(one.get("capacityProvider", "")) for one in strategy]
    if providers:
        return any(provider.startswith("FARGATE") for provider in providers)
    return params.get("launchType") != "EC2"


def _identity(kept: Any) -> Identity | None:
    if not isinstance(kept, dict) or not kept.get("account"):
        return None
    return Identity(account=str(kept["account"]), arn=str(kept.get("arn", "")))


def _must_wait(action: str, wait_s: float, is_uncertain: bool) -> AwsError:
    return AwsError(
        f"{action} must wait: {wait_s:g} s were not enough at the rate that AWS is asked at",
        kind="waiting",
        action=action,
        is_unknown=is_uncertain and not is_read(action),
        next_step="wait; a larger ecs.api_share is faster, and leaves less to others",
    )
