"""Copies that S3 makes itself: no byte goes over the network."""

from typing import Any

from jupyter_flotilla.artifacts.s3_upload import in_parallel

#: Larger objects are copied in parts: one request would take long, and above 5 GiB is refused
#: (docs.aws.amazon.com/AmazonS3/latest/userguide/copy-object.html, read 2026-11).
COPY_BYTES = 256 * 2**20
_PART_BYTES = 64 * 2**20


def copy(client: Any, bucket: str, source: str, target: str, size: int) -> None:
    """Copy an object of a bucket to another key of it.

    Parameters
    ----------
    size
        Of the object, in bytes.
    """
    place, origin = {"Bucket": bucket, "Key": target}, {"Bucket": bucket, "Key": source}
    if size <= COPY_BYTES:
        client.copy_object(**place, CopySource=origin)
        return
    from boto3.s3.transfer import TransferConfig

    config = TransferConfig(multipart_threshold=COPY_BYTES, multipart_chunksize=_PART_BYTES)
    client.copy(origin, **place, Config=config)


def copy_below(client: Any, bucket: str, source: str, target: str) -> int:
    """Copy all objects below a prefix to below another; return how many there are."""
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=source)
    found = [one for page in pages for one in page.get("Contents", ())]

    def one(entry: dict[str, Any]) -> None:
        key = entry["Key"]
        copy(client, bucket, key, target + key.removeprefix(source), entry["Size"])

    in_parallel(one, found)
    return len(found)
