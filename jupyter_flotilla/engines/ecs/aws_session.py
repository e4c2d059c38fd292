"""Where botocore is imported: its session, its clients, and how they came by their keys."""

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from jupyter_flotilla.engines.ecs.aws_errors import Access, AwsError

#: Seconds. RunTask mostly takes less than one; a dispatcher must not hang on a dead network.
_CONNECT_S, _READ_S = 5, 20
#: Of SQS, where a call waits for 20 s for a message to come.
_LONG_READ_S = 40
#: Of the network's and AWS's own errors; throttles are ours to wait for, above this.
_ATTEMPTS = 3
#: Where botocore keeps what ``aws sso login`` has got (botocore 1.44.8, ``utils.SSOTokenLoader``).
_SSO_CACHE = "~/.aws/sso/cache"


def opened(profile: str | None) -> Any:
    """Return botocore's session; raises AwsError where botocore is not installed."""
    try:
        from botocore.session import Session
    except ImportError as error:
        raise AwsError(
            "boto3 is not installed, and ECS needs it",
            kind="configuration",
            action="",
            next_step="pip install 'jupyter_flotilla[aws]'",
        ) from error
    return Session(profile=profile)


def client(session: Any, service: str, region: str) -> Any:
    """Return the client of a service; ``AWS_ENDPOINT_URL`` and its kin are honoured.

    Raises
    ------
    AwsError, and errors of botocore
        Where region, endpoint or profile are no such things.
    """
    from botocore.config import Config

    config = Config(
        retries={"mode": "standard", "max_attempts": _ATTEMPTS},
        connect_timeout=_CONNECT_S,
        read_timeout=_LONG_READ_S if service == "sqs" else _READ_S,
    )
    try:
        return session.create_client(service, region_name=region, config=config)
    except ValueError as error:
        raise AwsError(
            f"AWS cannot be asked in {region!r}: {error}",
            kind="configuration",
            action=f"{service}:*",
            next_step="set region in flotilla.toml, e.g. us-east-1; AWS_ENDPOINT_URL is a URL",
        ) from error


def errors() -> tuple[type[Exception], ...]:
    """Return what botocore raises; nothing where it is not installed."""
    try:
        from botocore.exceptions import BotoCoreError, ClientError
        from botocore.parsers import ResponseParserError
    except ImportError:
        return ()
    return BotoCoreError, ClientError, ResponseParserError


def access(
    session: Any,
    *,
    profile: str | None,
    region: str,
    cluster: str,
    environ: Mapping[str, str],
    now: datetime,
) -> Access:
    """Return how AWS is asked, for the words of an error."""
    config = _config(session)
    name = profile or environ.get("AWS_PROFILE")
    has_own_endpoint = any(key.startswith("AWS_ENDPOINT_URL") for key in environ)
    regions = set() if has_own_endpoint else _regions(session)
    if profile is None and environ.get("AWS_ACCESS_KEY_ID"):
        whose = "the keys in AWS_ACCESS_KEY_ID"
        login = "set AWS_ACCESS_KEY_ID and its kin anew, or unset them and: aws sso login"
    else:
        whose, login = f"profile {name or 'default'!r}", _login(config, name)
    return Access(
        region=region,
        whose=whose,
        login=login,
        expired_min=_expired_min(session, config, now),
        is_region=region in regions if regions else None,
        cluster=cluster,
    )


def _config(session: Any) -> Mapping[str, Any]:
    """Return what the AWS configuration says of the profile in use."""
    if session is not None:
        with suppress(*errors()):
            config: Mapping[str, Any] = session.get_scoped_config()
            return config
    return {}


def _login(config: Mapping[str, Any], name: str | None) -> str:
    of = f" --profile {name}" if name else ""
    if "sso_session" in config or "sso_start_url" in config:
        return f"aws sso login{of}"
    if "login_session" in config:
        return f"aws login{of}"
    if "aws_access_key_id" in config:
        return f"aws configure{of}, with keys that are good"
    return f"aws sso login{of}, or aws configure{of}"


def _regions(session: Any) -> set[str]:
    """Return the regions that this version of botocore knows; empty: it cannot say."""
    if session is not None:
        with suppress(*errors()):
            return {
                region
                for partition in session.get_available_partitions()
                for region in session.get_available_regions("ecs", partition_name=partition)
            }
    return set()


def _expired_min(session: Any, config: Mapping[str, Any], now: datetime) -> int | None:
    """Return minutes since an SSO login ended; None: there is none, or it has not."""
    key = config.get("sso_session") or config.get("sso_start_url")
    if not key:
        return None
    name = hashlib.sha1(str(key).encode(), usedforsecurity=False).hexdigest()
    try:
        token = json.loads(Path(_SSO_CACHE, f"{name}.json").expanduser().read_bytes())
        ends_at = datetime.fromisoformat(token["expiresAt"].replace("UTC", "+00:00"))
        minutes = int((now - ends_at).total_seconds() // 60)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError):
        return None
    return minutes if minutes >= 0 else None
