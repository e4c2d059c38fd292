"""boto3: opened when it is needed, and its errors in words that say what to do."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from jupyter_flotilla.errors import ArtifactsUnavailable

#: S3's codes for one thing (docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html, 2026-11).
_NO_BUCKET = {"NoSuchBucket"}
_REFUSED = {"AccessDenied", "403", "Forbidden", "AllAccessDisabled", "AccountProblem"}
_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "InvalidToken", "RequestExpired"}
_WRONG_KEYS = {"InvalidAccessKeyId", "SignatureDoesNotMatch", "UnrecognizedClientException"}
_ELSEWHERE = {"PermanentRedirect", "301", "AuthorizationHeaderMalformed",
              "IllegalLocationConstraintException"}  # fmt: skip
_BUSY = {"SlowDown", "503", "ServiceUnavailable", "InternalError", "500", "RequestTimeout"}
_CLOCK = {"RequestTimeTooSkewed"}


def opened(
    profile: str | None = None, region: str | None = None, endpoint: str | None = None
) -> Callable[[], Any]:
    """Return a factory of boto3's S3 client, for `S3Artifacts`.

    Parameters
    ----------
    profile
        Of the AWS configuration; None: what its environment says.
    endpoint
        URL of a store that is not AWS's; its buckets are then part of the path.
    """

    def make() -> Any:
        try:
            import boto3
            from botocore.config import Config
        except ImportError as error:
            raise ArtifactsUnavailable(
                "boto3 is not installed, and S3 needs it",
                next_step="pip install 'jupyter_flotilla[aws]'",
            ) from error
        options: dict[str, Any] = {
            "signature_version": "s3v4",  # else presigned links may be of a kind that S3 gave up
            "retries": {"mode": "standard", "max_attempts": 8},
            "connect_timeout": 10,
            "read_timeout": 30,
            "max_pool_connections": 32,
        }
        if endpoint:
            options["s3"] = {"addressing_style": "path"}
            if "request_checksum_calculation" in Config.OPTION_DEFAULTS:
                # others' stores know no checksums at the end of a body
                options["request_checksum_calculation"] = "when_required"
        with s3_errors(""):
            session = boto3.Session(profile_name=profile, region_name=region)
            return session.client("s3", endpoint_url=endpoint, config=Config(**options))

    return make


@contextmanager
def s3_errors(bucket: str) -> Iterator[None]:
    """Turn botocore's errors into ours.

    Raises
    ------
    ArtifactsUnavailable
    """
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
    from botocore.exceptions import ConnectionError as NoConnection

    try:
        yield
    except ClientError as error:
        raise _of_answer(bucket, error) from error
    except (HTTPClientError, NoConnection) as error:
        raise ArtifactsUnavailable(
            f"S3 cannot be reached for bucket {bucket}: {_first_line(error)}",
            next_step="look at this machine's network and proxy, then try again",
        ) from error
    except (BotoCoreError, Boto3Error) as error:
        raise _of_configuration(error) from error


def code_of(error: Any) -> str:
    """Return S3's word for a ClientError."""
    return str(error.response.get("Error", {}).get("Code", ""))


def is_of_keys(error: ArtifactsUnavailable) -> bool:
    """Say whether other keys may help, which the user's next login makes."""
    from botocore.exceptions import ClientError

    cause = error.__cause__
    return isinstance(cause, ClientError) and code_of(cause) in _EXPIRED | _WRONG_KEYS


def _of_answer(bucket: str, error: Any) -> ArtifactsUnavailable:
    code = code_of(error)
    operation = error.operation_name
    words = str(error.response.get("Error", {}).get("Message", ""))[:300]
    if code in _NO_BUCKET or (code == "404" and operation in ("HeadBucket", "ListObjectsV2")):
        return ArtifactsUnavailable(
            f"there is no bucket {bucket}",
            next_step="mind its spelling, or make it: jupyter flotilla setup-aws",
        )
    if code in _ELSEWHERE:
        there = _region_of(error)
        return ArtifactsUnavailable(
            f"bucket {bucket} is in another region" + (f": {there}" if there else ""),
            next_step=f"set the region to {there or 'the one of the bucket'}",
        )
    for codes, message, step in _ANSWERS:
        if code in codes:
            return ArtifactsUnavailable(
                message.format(bucket=bucket, operation=operation, words=words, code=code),
                next_step=step.format(operation=operation),
            )
    return ArtifactsUnavailable(f"S3 refused {operation} in bucket {bucket}: {code}: {words}")


#: Codes → what is wrong → what to do.
_ANSWERS = (
    (_REFUSED, "S3 refuses {operation} in bucket {bucket}: {words}",
     "give these credentials the permission; 'aws sts get-caller-identity' says whose they are"),
    (_EXPIRED, "the AWS login has expired", "aws sso login, or renew the keys; then try again"),
    (_WRONG_KEYS, "AWS does not know these access keys ({code})",
     "aws configure, or set AWS_PROFILE to a profile whose keys are good"),
    (_CLOCK, "this machine's clock is more than 15 minutes off", "set the clock (NTP)"),
    (_BUSY, "S3 is too busy for bucket {bucket} ({code})", "try again in a minute"),
)  # fmt: skip


def _of_configuration(error: Exception) -> ArtifactsUnavailable:
    """Return what a BotoCoreError says that no request was sent for."""
    kind = type(error).__name__
    if "SSO" in kind or kind in ("TokenRetrievalError", "LoginRefreshRequired"):
        return ArtifactsUnavailable(
            f"the AWS login has expired or was never made: {_first_line(error)}",
            next_step="aws sso login (with --profile, where a profile is used)",
        )
    if kind in ("NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError"):
        return ArtifactsUnavailable(
            f"there are no AWS credentials: {_first_line(error)}",
            next_step="aws configure, aws sso login, or set AWS_PROFILE",
        )
    if kind == "ProfileNotFound":
        return ArtifactsUnavailable(
            _first_line(error), next_step="'aws configure list-profiles' names those that exist"
        )
    if kind == "NoRegionError":
        return ArtifactsUnavailable(
            "no AWS region is set", next_step="set AWS_REGION, e.g. us-east-1"
        )
    return ArtifactsUnavailable(f"S3 cannot be used: {_first_line(error)}")


def _region_of(error: Any) -> str:
    headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    return str(headers.get("x-amz-bucket-region") or error.response["Error"].get("Region") or "")


def _first_line(error: Exception) -> str:
    """Return an error's words without a URL's query, which may hold a signature."""
    line = (str(error).splitlines() or [type(error).__name__])[0]
    return " ".join(word.partition("?")[0] if "://" in word else word for word in line.split(" "))
