"""What S3's answers say: pages of a listing, refusals, the time."""

import html
import re
import urllib.parse
import xml.etree.ElementTree as ElementTree
from email.utils import parsedate_to_datetime
from typing import Iterator, NamedTuple, Optional

from .s3_auth import Keys, S3Error
from .s3_http import Answer

_CODES = {301: "PermanentRedirect", 400: "BadRequest", 403: "AccessDenied", 404: "NotFound",
          412: "PreconditionFailed", 416: "InvalidRange", 429: "SlowDown",
          503: "ServiceUnavailable"}  # fmt: skip
#: Of S3's own words, in characters.
_LONGEST = 300


class Entry(NamedTuple):
    """An object of a listing; ``key`` is below the bucket's prefix, ``size`` in bytes."""

    key: str
    size: int
    etag: str


def entries(page: bytes) -> Iterator[Entry]:
    """Yield the objects of a page of ListObjectsV2 with ``encoding-type=url``."""
    for item in _root(page):
        if _name(item) == "Contents":
            fields = {_name(field): field.text or "" for field in item}
            key = urllib.parse.unquote_plus(fields["Key"])
            yield Entry(key, int(fields["Size"]), fields.get("ETag", ""))


def text(answer: bytes, name: str) -> str:
    """Return the text of the first element of that name, or ``""``."""
    found = re.search(b"<%s>([^<]*)</%s>" % (name.encode(), name.encode()), answer)
    return html.unescape(found.group(1).decode("utf-8", "replace")) if found else ""


def refused(
    method: str, key: str, answer: Answer, region: str = "", keys: Optional[Keys] = None
) -> S3Error:
    """Return the error that an answer is."""
    code = text(answer.body, "Code") or _CODES.get(answer.status, "Status%d" % answer.status)
    words = text(answer.body, "Message")[:_LONGEST]
    sentence = "S3 refused %s of %r" % (method, key)
    there = answer.headers.get("x-amz-bucket-region", region)
    if there != region:
        sentence += ": the bucket is in %s, not in %s" % (there, region)
    elif words:
        sentence += ": " + (keys.hide(words) if keys else words)
    return S3Error(code, answer.status, key, sentence)


def clock(answer: Answer, otherwise: float) -> float:
    """Return S3's own time in Unix seconds, where its answer says it."""
    try:
        return parsedate_to_datetime(answer.headers["date"]).timestamp()
    except (KeyError, TypeError, ValueError):
        return otherwise


def _root(page: bytes) -> ElementTree.Element:
    try:
        return ElementTree.fromstring(page)
    except ElementTree.ParseError as error:
        raise S3Error("Broken", 200, "", "S3's listing is no XML: %s" % error) from error


def _name(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]
