"""The first program of a container whose input is in S3: gets it, checks it, becomes the runner.

`said` has what it is told. What it prints is all that anybody learns of a failure here.
"""

import errno
import hashlib
import json
import os
import socket
import sys
import tarfile
import tempfile
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Dict, Mapping, Optional

from .checkpoint import bring_checkpoint
from .paths import Tampered, confined
from .s3 import Bucket, Credentials, S3Error
from .said import read_said
from .tick import CALENDAR, Tick, read_tick, write_job

#: What `jupyter_flotilla.engines.remote` puts among a run's input, for us.
RUNNER = ".flotilla/runner.pyz"
LAYER = ".flotilla/layer.tar.gz"
#: sysexits.h: another has begun this attempt; something is not as it was sent; S3 failed; the disk
#: is too small for it.
ALREADY_STARTED, TAMPERED, NO_INPUT, NO_ROOM = 75, 65, 74, 72
_TAKEN = "flotilla: another container has begun this attempt"
_PARALLEL = 8


def main() -> int:
    """Prepare the room and become the runner; returns only where that is impossible."""
    try:
        said = read_said()
        room = said["s3"]["room"]
        source = bucket_of(said["s3"])
    except (ValueError, KeyError, TypeError) as error:
        # whoever has started this container was killed before it had said all
        print("flotilla: what to do was not said, or not to its end: %r" % error)
        return NO_INPUT
    try:
        code = _prepare(source, said, room)
    finally:
        source.close()
    if code is not None:
        return code
    _hand_on(said)
    runner = os.path.join(room, "input", RUNNER)
    attempt = os.path.join(room, "attempt")
    os.execv(sys.executable, [sys.executable, runner, "--container", attempt, "--s3"])
    return NO_INPUT  # never reached


def _prepare(source: Bucket, said: Dict[str, Any], room: str) -> Optional[int]:
    """Prepare the room; return the exit code where that is impossible, which is said.

    Of a tick, ``said`` has its own run's place afterwards.
    """
    bucket = source
    try:
        tick = _tick(source, said["s3"])
        if tick is not None:
            said["s3"] = tick.place()
            bucket = bucket_of(said["s3"])
        place = said["s3"]
        if _is_taken(bucket, place):
            print(_by_whom(bucket, place))
            return ALREADY_STARTED
        os.makedirs(room, mode=0o700, exist_ok=True)
        _fill(source, place, room, tick)
        # last: whatever failed until here can be repeated by another
        if not _is_first(bucket, place):
            print(_by_whom(bucket, place))
            return ALREADY_STARTED
        if tick is not None:
            _tell_of_tick(tick, bucket, place, room)
    except Tampered as error:
        print("flotilla: %s" % error)
        return TAMPERED
    except (S3Error, OSError, tarfile.TarError, ValueError, KeyError, TypeError) as error:
        print("flotilla: the job's input cannot be had: %s" % error)
        is_full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
        return NO_ROOM if is_full else NO_INPUT
    finally:
        if bucket is not source:
            bucket.close()
    return None


def _tick(source: Bucket, place: Mapping[str, Any]) -> Optional[Tick]:
    """Return the tick that a task was started for; None: somebody has started this attempt."""
    return read_tick(place, source.get(CALENDAR)) if place.get("tick") else None


def _tell_of_tick(tick: Tick, bucket: Bucket, place: Mapping[str, Any], room: str) -> None:
    """Say that a tick has begun, for whoever looks for its run; without that, the lease tells."""
    top = bucket_of(place, tick.top)
    try:
        with open(os.path.join(room, "attempt", "job.json"), "rb") as file:
            bucket.put("%s/job.json" % place["attempt"], file.read())
        top.put_if_absent(tick.marker, tick.told(place.get("task")))
    except S3Error as error:
        print("flotilla: that it has begun cannot be said: %s" % error)
    finally:
        top.close()


def bucket_of(place: Mapping[str, Any], prefix: Optional[str] = None, **patience: Any) -> Bucket:
    """Return the bucket of a run, opened with the keys that came along, else the container's.

    Parameters
    ----------
    prefix
        Instead of the run's own; None: that one.
    patience
        Further keywords of `Bucket`.
    """
    environ = {name: value for name, value in os.environ.items() if name not in _KEYS}
    environ.update(place.get("keys") or {})
    return Bucket(
        place["bucket"], place["prefix"] if prefix is None else prefix, place["region"],
        place.get("endpoint"),
        Credentials(environ), **patience,
    )  # fmt: skip


#: A job may have keys of its own in its environment: those are not ours.
_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


def _is_first(bucket: Bucket, place: Mapping[str, Any]) -> bool:
    """Take the attempt: whoever comes second, by whatever repeat, does nothing."""
    lease = {"id": uuid.uuid4().hex, "task": place.get("task"), "host": socket.gethostname()}
    return bucket.put_if_absent("%s/lease" % place["attempt"], json.dumps(lease).encode())


def _by_whom(bucket: Bucket, place: Mapping[str, Any]) -> str:
    """Return that another has the attempt, and who that is where its lease can be read."""
    try:
        lease = dict(json.loads(bucket.get("%s/lease" % place["attempt"])))
    except (S3Error, OSError, ValueError, TypeError):
        return _TAKEN
    holder = lease.get("task") or lease.get("host")
    return "%s: %s" % (_TAKEN, holder) if holder else _TAKEN


def _is_taken(bucket: Bucket, place: Mapping[str, Any]) -> bool:
    """Say whether another has the attempt, as far as that is known: for nothing to be brought."""
    try:
        return bucket.head("%s/lease" % place["attempt"]) is not None
    except S3Error as error:
        if error.status == 403:
            return False  # without the permission to list, S3 says that of what is not there
        raise


def _fill(bucket: Bucket, place: Mapping[str, Any], room: str, tick: Optional[Tick]) -> None:
    inside, attempt = os.path.join(room, "input"), os.path.join(room, "attempt")
    for folder in (inside, attempt):
        os.makedirs(folder, mode=0o700, exist_ok=True)
    manifest = json.loads(_checked(bucket, "input.json", place["input_sha256"]))
    with ThreadPoolExecutor(_PARALLEL) as pool:
        waiting = [
            pool.submit(_bring, bucket, name, entry, inside) for name, entry in manifest.items()
        ]
        for one in waiting:
            one.result()
    layer = os.path.join(inside, LAYER)
    if os.path.exists(layer):
        _unpack(layer, os.path.join(room, "layer"))
        os.unlink(layer)
    if place.get("restore"):
        earlier = bucket_of(place, place["restore"])
        try:
            # found there by the runner, as `jupyter_flotilla.engines.remote` says in the job
            bring_checkpoint(earlier, os.path.join(room, "earlier", "checkpoint.1"))
        finally:
            earlier.close()
    key = "job.json" if tick is not None else "%s/job.json" % place["attempt"]
    job = _checked(bucket, key, place["job_sha256"])
    if tick is not None:
        tick.fill_notebook(inside)
        job = tick.job(job)
    write_job(attempt, job)


def _checked(bucket: Bucket, key: str, sha256: str) -> bytes:
    content = bucket.get(key)
    if hashlib.sha256(content).hexdigest() != sha256:
        raise Tampered("%s is not what was sent: somebody has changed it in the bucket" % key)
    return content


def _bring(bucket: Bucket, name: str, entry: Dict[str, Any], folder: str) -> None:
    path = confined(folder, name)
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    try:
        bucket.get_file("input/%s" % entry["sha256"], path, entry["sha256"])
    except S3Error as error:
        if error.code == "Sha256Mismatch":
            raise Tampered("%s is not what was sent: somebody has changed it" % name) from error
        raise
    os.chmod(path, int(entry["mode"]) & 0o777)


def _unpack(archive: str, folder: str) -> None:
    """Unpack a layer; nothing in it may lead out of its folder."""
    with tarfile.open(archive, "r:gz") as packed:
        for member in packed:
            if not (member.isfile() or member.isdir() or member.issym()):
                raise Tampered("%r in the layer is neither file nor folder" % member.name)
            target = os.path.normpath(os.path.join(os.path.dirname(member.name), member.linkname))
            if member.issym() and (os.path.isabs(member.linkname) or target.startswith("..")):
                raise Tampered("%r in the layer leads out of it" % member.name)
            confined(folder, member.name.rstrip("/") or ".")
            member.uid, member.gid = os.getuid(), os.getgid()
            packed.extract(member, folder, set_attrs=member.isfile())


def _hand_on(said: Dict[str, Any]) -> None:
    """Give the runner what came on standard input, on its own: never in a named file."""
    with tempfile.TemporaryFile() as spare:
        try:
            fd = os.memfd_create("flotilla")  # type: ignore[attr-defined, unused-ignore]
        except (AttributeError, OSError):
            fd = os.dup(spare.fileno())  # it has no name either
        with os.fdopen(os.dup(fd), "wb") as file:
            file.write(json.dumps(said).encode())
        os.lseek(fd, 0, os.SEEK_SET)
        os.dup2(fd, 0)
        os.close(fd)
