"""Brings the save of a checkpoint folder from S3, where an earlier attempt has left it.

::

    PREFIX/checkpoint.json     path → what it is; written last, so that what it names is there
    PREFIX/checkpoint/3-0      a content, of the third save

`jupyter_flotilla.runner.checkpoint_upload` writes them.
"""

import json
import os
import shutil
import stat
from typing import Any, Dict

from .paths import confined
from .s3 import Bucket, S3Error

_LIST = "checkpoint.json"
#: An earlier attempt that still runs may replace the save that is being brought.
_TRIES = 3


def bring_checkpoint(bucket: Bucket, folder: str) -> None:
    """Bring the newest save into a folder that is not there yet.

    Parameters
    ----------
    bucket
        Confined to the attempt that has saved it.

    Raises
    ------
    S3Error, OSError, ValueError
    """
    content = bucket.get(_LIST)
    for _ in range(_TRIES):
        try:
            _bring(bucket, json.loads(content), folder)
            return
        except S3Error:
            newer = bucket.get(_LIST)
            if newer == content:
                raise
            content = newer
            shutil.rmtree(folder, ignore_errors=True)
    raise ValueError("the checkpoint is replaced again and again while it is being brought")


def _bring(bucket: Bucket, listed: Dict[str, Any], folder: str) -> None:
    os.makedirs(folder, mode=0o700)
    # folders before what is in them; links last, so that nothing is written through one
    for name, entry in sorted(listed.items(), key=lambda one: ("target" in one[1], one[0])):
        path = confined(folder, name)
        if "target" in entry:
            os.symlink(entry["target"], path)
        elif "key" in entry:
            bucket.get_file(entry["key"], path, entry["sha256"])
            os.chmod(path, int(entry["mode"]) & 0o777)
            os.utime(path, ns=(int(entry["mtime_ns"]), int(entry["mtime_ns"])))
        else:
            os.mkdir(path, stat.S_IMODE(int(entry["mode"])) | 0o700)
