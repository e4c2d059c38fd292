"""Contents on their way to where a run finds them: what is large is sent once for all runs."""

from typing import Any

from jupyter_flotilla.artifacts.s3_copy import copy
from jupyter_flotilla.artifacts.s3_errors import code_of
from jupyter_flotilla.artifacts.s3_upload import LocalFile, Meter, Progress, in_parallel, put

#: Smaller contents are not worth keeping apart: looking and copying are two requests, sending is
#: one.
SHARED_BYTES = 2**20


class Sending:
    """Brings contents to where a run finds them."""

    def __init__(self, client: Any, bucket: str, blobs: str, inside: str) -> None:
        self._client = client
        self._bucket = bucket
        self._blobs = blobs
        self._inside = inside

    def send(self, contents: list[LocalFile], progress: Progress | None) -> int:
        """Return how many bytes had to be sent."""
        meter = Meter(sum(file.size for file in contents), progress)
        small = [file for file in contents if file.size < SHARED_BYTES]
        in_parallel(
            lambda file: put(self._client, self._bucket, self._inside + file.sha256, file, meter),
            small,
        )
        # one after the other: each is sent in parallel parts
        large = [file for file in contents if file.size >= SHARED_BYTES]
        return sum(file.size for file in small) + sum(self._share(one, meter) for one in large)

    def _share(self, file: LocalFile, meter: Meter) -> int:
        """Upload a content that is not there, then have S3 copy it to the run."""
        key = f"{self._blobs}{file.sha256[:2]}/{file.sha256}"
        is_there = self._is_there(key, file.size)
        if is_there:
            meter.add(file.size)
        else:
            put(self._client, self._bucket, key, file, meter)
        copy(self._client, self._bucket, key, self._inside + file.sha256, file.size)
        return 0 if is_there else file.size

    def _is_there(self, key: str, size: int) -> bool:
        from botocore.exceptions import ClientError

        try:
            found = self._client.head_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            # without the permission to list, S3 says 403 of what is not there
            if code_of(error) in ("404", "NoSuchKey", "NotFound", "403"):
                return False
            raise
        return bool(found["ContentLength"] == size)
