"""Brings a save of a checkpoint folder from here to S3, for a job that goes on elsewhere.

It lies there as `jupyter_flotilla.bootstrap.checkpoint` says.
"""

import json
import stat
from pathlib import Path
from typing import Any

from jupyter_flotilla.artifacts import s3_upload
from jupyter_flotilla.artifacts.s3_upload import LocalFile, Meter, Progress
from jupyter_flotilla.protocol import CHECKPOINT, CHECKPOINT_LIST


def upload_save(
    client: Any, bucket: str, prefix: str, save: Path, progress: Progress | None
) -> None:
    """Upload a save below a prefix; what names it comes last."""
    files: list[LocalFile] = []
    listed: dict[str, dict[str, Any]] = {}
    for path in sorted(save.rglob("*")):
        status = path.lstat()
        entry: dict[str, Any] = {"mode": status.st_mode}
        if stat.S_ISLNK(status.st_mode):
            entry["target"] = str(path.readlink())
        elif stat.S_ISREG(status.st_mode):
            file = LocalFile.read(path)
            key = f"{CHECKPOINT}/{len(files)}"
            entry |= {"key": key, "sha256": file.sha256, "mtime_ns": file.changed_ns}
            files.append(file)
        elif not stat.S_ISDIR(status.st_mode):
            continue  # a socket or pipe is nothing to go on with
        listed[path.relative_to(save).as_posix()] = entry
    meter = Meter(sum(file.size for file in files), progress)
    for number, file in enumerate(files):  # each is sent in parallel parts
        s3_upload.put(client, bucket, f"{prefix}{CHECKPOINT}/{number}", file, meter)
    text = json.dumps(listed, sort_keys=True).encode()
    client.put_object(Bucket=bucket, Key=prefix + CHECKPOINT_LIST, Body=text)
