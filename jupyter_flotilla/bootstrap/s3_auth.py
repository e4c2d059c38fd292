"""AWS keys inside a container, the signature that they make, and the error that hides them."""

import calendar
import hashlib
import hmac
import http.client
import json
import os
import random
import re
import socket
import threading
import time
import urllib.parse
from typing import Callable, Dict, Mapping, NamedTuple, Optional

#: Seconds before their end at which keys are fetched anew.
_FRESH_S = 300
_FETCHES = 4
_FETCH_TIMEOUT_S = 2.0
_RETRYABLE_STATUS = (429, 500, 502, 503, 504)
#: docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html, read 2026-11; the last two are ours.
_RETRYABLE_CODES = ("SlowDown", "RequestTimeout", "InternalError", "ServiceUnavailable",
                    "ConditionalRequestConflict", "OperationAborted", "Broken",
                    "NoAnswerOfKeys")  # fmt: skip
#: Hosts that may be asked for keys without TLS, as in the AWS SDKs
#: (docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html, read 2026-11).
_KEY_HOSTS = ("169.254.170.2", "169.254.170.23", "fd00:ec2::23", "localhost", "127.0.0.1", "::1")
_SECRET = re.compile(r"(?i)((?:x-amz-(?:signature|security-token|credential)|signature)=)[^&\s,]+")


class S3Error(Exception):
    """What S3, or the way to it, refuses. Holds no key, no signature and no query.

    Parameters
    ----------
    code
        S3's own word (``AccessDenied``), or one of ours: ``Broken`` (no whole answer),
        ``Deadline``, ``InvalidKey``, ``NoCredentials``, ``NoAnswerOfKeys`` (their endpoint is
        silent just now), ``Certificate``, ``FileChanged``, ``Sha256Mismatch``.
    status
        Of HTTP; 0 where there was no answer.
    key
        As the caller gave it, below the prefix.
    sentence
        What was wrong, for people.
    """

    def __init__(self, code: str, status: int, key: str, sentence: str) -> None:
        sentence = _SECRET.sub(r"\1***", sentence)
        super().__init__("%s (%s)" % (sentence, code))
        self.code = code
        self.status = status
        self.key = key
        self.sentence = sentence

    @property
    def is_retryable(self) -> bool:
        """Whether the same may succeed a little later."""
        return self.code in _RETRYABLE_CODES or self.status in _RETRYABLE_STATUS


class Keys(NamedTuple):
    """AWS keys, and when they end in Unix seconds; None: not known."""

    access_key: str
    secret_key: str
    token: Optional[str] = None
    ends_at: Optional[float] = None

    def __repr__(self) -> str:
        return "Keys(***)"  # a traceback or a log may show it

    def hide(self, text: str) -> str:
        """Return text without these keys in it."""
        for secret in (self.token, self.secret_key, self.access_key):
            text = text.replace(secret, "***") if secret else text
        return text


class _Silent(OSError):
    """The endpoint of keys has none just now: it is busy, or breaks."""


class Credentials:
    """AWS keys that are good now, safe from several threads.

    They come from the environment, or else from the container's endpoint, where they are fetched
    anew when less than five minutes are left.
    """

    def __init__(
        self, environ: Mapping[str, str] = os.environ, clock: Callable[[], float] = time.time
    ) -> None:
        self._environ = environ
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: Optional[Keys] = None

    def keys(self) -> Keys:
        """Return keys; raises S3Error: ``NoCredentials`` if there are none, ``NoAnswerOfKeys``."""
        given = self._environ
        if given.get("AWS_ACCESS_KEY_ID") and given.get("AWS_SECRET_ACCESS_KEY"):
            token = given.get("AWS_SESSION_TOKEN") or None
            return Keys(given["AWS_ACCESS_KEY_ID"], given["AWS_SECRET_ACCESS_KEY"], token)
        with self._lock:
            kept = self._keys
            left = 0.0 if kept is None else self._left(kept)
            if kept is not None and left >= _FRESH_S:
                return kept
            try:
                self._keys = kept = self._fetch()
            except S3Error:
                if kept is None or left <= 0:
                    raise  # else the old ones still do, and the next caller tries again
            return kept

    def forget(self, keys: Keys) -> bool:
        """Fetch others next time, as S3 refused these; False if there will be no others."""
        with self._lock:
            if self._keys is None:
                return False
            if self._keys == keys:
                self._keys = None
            return True

    def _left(self, keys: Keys) -> float:
        return float("inf") if keys.ends_at is None else keys.ends_at - self._clock()

    def _fetch(self) -> Keys:
        url, code, why = self._url(), "", ""
        for attempt in range(_FETCHES):
            try:
                return self._fetch_once(url)
            except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
                # not its words: they may hold what was read
                why = str(error) if isinstance(error, OSError) else type(error).__name__
                is_silent = isinstance(error, (_Silent, socket.timeout, ConnectionError))
                code = "NoAnswerOfKeys" if is_silent else "NoCredentials"
                time.sleep(random.uniform(0, 0.2 * 2**attempt))
        raise S3Error(code, 0, "", "the container's endpoint gives no AWS keys: " + why)

    def _fetch_once(self, url: urllib.parse.SplitResult) -> Keys:
        kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
        connection = kind(url.hostname or "", url.port, timeout=_FETCH_TIMEOUT_S)
        try:
            target = url.path + ("?" + url.query if url.query else "")
            connection.request("GET", target, headers=self._authorization())
            response = connection.getresponse()
            if response.status != 200:
                what = "it answered with status %d" % response.status
                raise _Silent(what) if response.status in _RETRYABLE_STATUS else OSError(what)
            got = json.loads(response.read().decode())
        finally:
            connection.close()
        ends_at = None if got.get("Expiration") is None else _unix(got["Expiration"])
        return Keys(got["AccessKeyId"], got["SecretAccessKey"], got.get("Token"), ends_at)

    def _url(self) -> urllib.parse.SplitResult:
        relative = self._environ.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
        full = self._environ.get("AWS_CONTAINER_CREDENTIALS_FULL_URI")
        if not relative and not full:
            raise S3Error("NoCredentials", 0, "", "this container has no AWS keys; give its task "
                          "a role")  # fmt: skip
        url = urllib.parse.urlsplit("http://169.254.170.2" + relative if relative else str(full))
        if url.scheme != "https" and url.hostname not in _KEY_HOSTS:
            raise S3Error("NoCredentials", 0, "", "AWS_CONTAINER_CREDENTIALS_FULL_URI is not of "
                          "this container, and without TLS")  # fmt: skip
        return url

    def _authorization(self) -> Dict[str, str]:
        token = self._environ.get("AWS_CONTAINER_AUTHORIZATION_TOKEN", "")
        path = self._environ.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
        if path:
            with open(path, encoding="utf-8") as file:
                token = file.read()  # each time: it is renewed
        return {"Authorization": token.strip()} if token.strip() else {}


def sign(
    method: str,
    path: str,
    query: str,
    headers: Mapping[str, str],
    payload_sha256: str,
    keys: Keys,
    region: str,
    at: str,
) -> str:
    """Return the signature of a request to S3 (AWS Signature Version 4), in hexadecimal.

    Parameters
    ----------
    path, query
        As they are sent: encoded once, the query sorted.
    headers
        All that are signed, with lower-case names.
    payload_sha256
        Of the body, in hexadecimal, or ``UNSIGNED-PAYLOAD``.
    at
        When, in UTC: ``20130524T000000Z``.

    Source: docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html, read 2026-11.
    """
    names = sorted(headers)
    lines = [method, path, query, *("%s:%s" % (name, headers[name].strip()) for name in names)]
    lines += ["", ";".join(names), payload_sha256]
    scope = (at[:8], region, "s3", "aws4_request")
    request = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    text = "\n".join(("AWS4-HMAC-SHA256", at, "/".join(scope), request))
    key = b"AWS4" + keys.secret_key.encode()
    for part in (*scope, text):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key.hex()


def signed(
    method: str,
    path: str,
    query: str,
    headers: Mapping[str, str],
    payload_sha256: str,
    keys: Keys,
    region: str,
    now: float,
) -> Dict[str, str]:
    """Return headers, ``Host`` among them, with what signs them all; ``now`` in Unix seconds."""
    at = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    given = {name.lower(): value for name, value in headers.items()}
    given.update({"x-amz-date": at, "x-amz-content-sha256": payload_sha256})
    if keys.token:
        given["x-amz-security-token"] = keys.token
    signature = sign(method, path, query, given, payload_sha256, keys, region, at)
    scope = "%s/%s/%s/s3/aws4_request" % (keys.access_key, at[:8], region)
    names = ";".join(sorted(given))
    given["authorization"] = "AWS4-HMAC-SHA256 Credential=%s,SignedHeaders=%s,Signature=%s" % (
        scope, names, signature,
    )  # fmt: skip
    return given


def _unix(text: str) -> float:
    """Return Unix seconds of an ISO time in UTC; raises ValueError."""
    return float(calendar.timegm(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")))
