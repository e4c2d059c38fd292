"""Counts and deletes all that a bucket holds: versions and unfinished uploads too."""

from collections.abc import Iterator
from typing import Any

from jupyter_flotilla.engines.ecs.account import Account, AwsError
from jupyter_flotilla.errors import EnvironmentProblem

#: Counting goes no further: the question is the same.
_COUNTED = 10_000


def count(account: Account, name: str) -> int:
    """Return how many files a bucket holds, 10,000 at most; 0 where there is no such bucket."""
    found = 0
    for page in _pages(account, name):
        found += len(page.get("Versions", ())) + len(page.get("DeleteMarkers", ()))
        if found >= _COUNTED:
            return _COUNTED
    return found


def words(files: int) -> str:
    """Return how many files, for people."""
    return f"{files:,} files or more" if files >= _COUNTED else f"{files:,} files"


def empty(account: Account, name: str) -> None:
    """Delete all that a bucket holds; nothing where there is no such bucket.

    Raises
    ------
    EnvironmentProblem
        If S3 refuses to delete one of them.
    AwsError
    """
    for page in _pages(account, name):
        versions = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
        objects = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in versions]
        if not objects:
            continue
        asked = {"Objects": objects, "Quiet": True}
        answer = account.call("s3", "DeleteObjects", Bucket=name, Delete=asked)
        for failed in answer.get("Errors", ()):
            raise EnvironmentProblem(
                f"S3 does not delete {failed['Key']!r} in {name}: {failed.get('Message')}",
                next_step="have s3:DeleteObject and s3:DeleteObjectVersion allowed",
            )
    try:
        _abort_uploads(account, name)
    except AwsError as error:
        if error.aws_code != "NoSuchBucket":
            raise


def _abort_uploads(account: Account, name: str) -> None:
    while True:
        found = account.call("s3", "ListMultipartUploads", Bucket=name).get("Uploads", ())
        for one in found:
            account.call(
                "s3", "AbortMultipartUpload", Bucket=name, Key=one["Key"], UploadId=one["UploadId"]
            )
        if not found:
            return


def _pages(account: Account, name: str) -> Iterator[dict[str, Any]]:
    request: dict[str, Any] = {"Bucket": name}
    while True:
        try:
            page = account.call("s3", "ListObjectVersions", **request)
        except AwsError as error:
            if error.aws_code == "NoSuchBucket":
                return
            raise
        yield page
        if not page.get("IsTruncated"):
            return
        after = {"KeyMarker": page["NextKeyMarker"]}
        if page.get("NextVersionIdMarker"):
            after["VersionIdMarker"] = page["NextVersionIdMarker"]
        request = {"Bucket": name, **after}
