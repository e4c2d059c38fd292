"""Links by which a browser gets an object: signed here, no login needed there."""

import urllib.parse
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from jupyter_flotilla.errors import InvalidOption

#: docs.aws.amazon.com/AmazonS3/latest/userguide/ShareObjectPreSignedURL.html, read 2026-11.
_LONGEST_S = 7 * 86_400


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """A link to one file, for a browser: whoever has it needs no login."""

    url: str
    #: When it ends.
    ends_at: datetime

    def __str__(self) -> str:
        return self.url


def signed_link(client: Any, bucket: str, key: str, expires_s: float, now: datetime) -> Link:
    """Return a link that downloads an object.

    It holds no credentials. It ends when the credentials that sign it do, if that is sooner.

    Raises
    ------
    InvalidOption
        If it would live longer than AWS lets it.
    """
    if not 1 <= expires_s <= _LONGEST_S:
        raise InvalidOption(
            f"a link lives 1 s to 7 days, not {expires_s:g} s", next_step="--expires 7d at most"
        )
    shown = urllib.parse.quote(key.rpartition("/")[2], safe="")
    url = client.generate_presigned_url(
        "get_object",
        Params={
            "Bucket": bucket,
            "Key": key,
            # never shown in the bucket's own origin: a job's HTML is a stranger's
            "ResponseContentDisposition": f"attachment; filename*=UTF-8''{shown}",
        },
        ExpiresIn=int(expires_s),
    )
    ends_at = now + timedelta(seconds=int(expires_s))
    keys_end_at = _keys_end_at(client)
    return Link(url=str(url), ends_at=min(ends_at, keys_end_at) if keys_end_at else ends_at)


def _keys_end_at(client: Any) -> datetime | None:
    """Return when the keys of a client end; None: not known, or never.

    botocore tells it nowhere in public (RefreshableCredentials of botocore 1.44 has this name).
    """
    keys = getattr(getattr(client, "_request_signer", None), "_credentials", None)
    found = getattr(keys, "_expiry_time", None)
    return found if isinstance(found, datetime) else None
