"""Measure a large file on its way to S3 and back: ours beside boto3's own transfer.

python tests/benchmarks/s3.py [--mib N] [--repeat N]

Each contender is a process of its own, so its peak of memory is its own too; they take turns, and
medians are printed with their ratio to boto3's. A table is a frame of pandas of as many bytes; it
is written as values of jobs are and sent, or brought and read, and should take little memory
beside its own. S3 is `plain_s3`, on this machine, or with ``--aws`` what the AWS variables name, in
a bucket that is made for this and deleted. Ours do more than boto3's: they hash the file and check
it, and the host has it copied from its blobs to the run.
"""

import argparse
import json
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

RUN = "r7f3a00000001"
#: Name → (what it does, to S3 or back); the first of each direction is the yardstick.
CONTENDERS = {
    "boto3 to S3": "to", "host to S3": "to", "host to S3, content known": "to", "job to S3": "to",
    "table to S3": "to",
    "boto3 from S3": "from", "host from S3": "from", "job from S3": "from", "table from S3": "from",
}  # fmt: skip


def main() -> None:
    """Run all contenders, or one of them in this process."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mib", type=int, default=1024)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--aws", action="store_true", help="what the AWS variables name")
    parser.add_argument("--one", nargs=3, metavar=("NAME", "BUCKET", "FOLDER"))
    arguments = parser.parse_args()
    if arguments.one:
        name, bucket, folder = arguments.one
        print(json.dumps(_measured(name, bucket, Path(folder), arguments.mib)))
        return
    print(f"{date.today()}, {platform.machine()}, {os.cpu_count()} cores, "
          f"Python {platform.python_version()}, {arguments.mib} MiB")  # fmt: skip
    bucket = f"bench-{uuid.uuid4().hex[:12]}"
    with tempfile.TemporaryDirectory(prefix="flotilla-bench-") as folder:
        if not arguments.aws:
            with _plain_s3(Path(folder)):
                _compare(bucket, Path(folder), arguments.mib, arguments.repeat)
            return
        _client().create_bucket(Bucket=bucket)
        try:
            _compare(bucket, Path(folder), arguments.mib, arguments.repeat)
        finally:
            _empty(bucket)


@contextmanager
def _plain_s3(folder: Path) -> Iterator[None]:
    """Serve S3 on this machine, to this process and those that it starts."""
    program = [sys.executable, str(Path(__file__).with_name("plain_s3.py")), str(folder / "s3")]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdin is not None and server.stdout is not None
        os.environ |= {
            "AWS_ENDPOINT_URL": server.stdout.readline().decode().strip(),
            "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x",
            "AWS_DEFAULT_REGION": "us-east-1", "AWS_CONFIG_FILE": os.devnull,
        }  # fmt: skip
        yield
        server.stdin.close()


def _compare(bucket: str, folder: Path, mib: int, repeat: int) -> None:
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in CONTENDERS}
    (folder / "input").mkdir()
    for _ in range(repeat):
        for name in CONTENDERS:
            if name in ("boto3 to S3", "host to S3", "job to S3"):
                _write(folder / "input" / "big", mib)
            ran = subprocess.run(
                [sys.executable, __file__, "--mib", str(mib), "--one", name, bucket, str(folder)],
                check=True, capture_output=True, text=True,
            )  # fmt: skip
            found[name].append(tuple(json.loads(ran.stdout)))
            shutil.rmtree(folder / "attempt", ignore_errors=True)  # else it is there already
    for way in ("to", "from"):
        names = [name for name, its in CONTENDERS.items() if its == way]
        yardstick = statistics.median(seconds for seconds, _ in found[names[0]])
        for name in names:
            seconds = statistics.median(seconds for seconds, _ in found[name])
            peak = max(peak for _, peak in found[name])
            print(f"  {name:<28} {seconds:8.2f} s  {mib / seconds:7.0f} MiB/s  "
                  f"× {seconds / yardstick:.2f}  peak {peak:.0f} MiB")  # fmt: skip


def _measured(name: str, bucket: str, folder: Path, mib: int) -> tuple[float, float]:
    """Return the seconds that a contender takes, and its peak of memory in MiB."""
    act = _table(name, bucket, folder, mib) or _contender(name, bucket, folder)
    (folder / "values" / "big").unlink(missing_ok=True)
    began = time.perf_counter()
    act()
    seconds = time.perf_counter() - began
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _contender(name: str, bucket: str, folder: Path) -> Callable[[], Any]:
    from jupyter_flotilla.artifacts.s3 import S3Artifacts
    from jupyter_flotilla.bootstrap.s3 import Bucket

    big, back = folder / "input" / "big", folder / "back"
    artifacts = S3Artifacts(bucket, "bench", _client)
    job = Bucket(
        bucket, artifacts.attempt_prefix(RUN, 1), os.environ["AWS_DEFAULT_REGION"],
        os.environ.get("AWS_ENDPOINT_URL"),
    )  # fmt: skip
    with artifacts._client() as client:  # importing boto3 is not what is measured
        pass
    acts: dict[str, Callable[[], Any]] = {
        "boto3 to S3": lambda: client.upload_file(str(big), bucket, "boto3"),
        "boto3 from S3": lambda: client.download_file(bucket, "boto3", str(back)),
        "host to S3": lambda: artifacts.upload_folder(RUN, folder / "input"),
        "host to S3, content known": lambda: artifacts.upload_folder(
            "r7f3a00000002", folder / "input"
        ),
        "host from S3": lambda: artifacts.fetch(RUN, 1, "values/big", folder),
        "job to S3": lambda: job.put_file("values/big", str(big)),
        "job from S3": lambda: job.get_file("values/big", str(back)),
    }
    return acts[name]


def _table(name: str, bucket: str, folder: Path, mib: int) -> Callable[[], Any] | None:
    """Return how a table is sent or brought; None: that is not what is measured."""
    if not name.startswith("table"):
        return None
    import pandas
    from numpy.random import default_rng

    from jupyter_flotilla.artifacts.s3 import S3Artifacts
    from jupyter_flotilla.bootstrap.s3 import Bucket
    from jupyter_flotilla.protocol.values import load, save

    artifacts, sent = S3Artifacts(bucket, "bench", _client), folder / "table"
    sent.mkdir(exist_ok=True)
    with artifacts._client():  # importing boto3 is not what is measured
        pass
    if name == "table to S3":
        frame = pandas.DataFrame(default_rng().random((10, mib * 2**20 // 80)).T).add_prefix("c")

        def send() -> None:
            entry = save(frame, str(sent), "table")
            (folder / "entry.json").write_text(json.dumps(entry))
            artifacts.upload_folder("r7f3a00000003", sent)

        return send
    entry = json.loads((folder / "entry.json").read_text())
    Bucket(
        bucket, artifacts.attempt_prefix(RUN, 1), os.environ["AWS_DEFAULT_REGION"],
        os.environ.get("AWS_ENDPOINT_URL"),
    ).put_file(f"values/{entry['file']}", str(sent / entry["file"]))  # fmt: skip

    def bring() -> None:
        artifacts.fetch(RUN, 1, f"values/{entry['file']}", folder / "attempt")
        load(entry, str(folder / "attempt" / "values"))

    return bring


def _client() -> Any:
    from jupyter_flotilla.artifacts.s3 import opened

    return opened(endpoint=os.environ.get("AWS_ENDPOINT_URL"))()


def _write(path: Path, mib: int) -> None:
    """Write content that nobody has seen before."""
    with path.open("wb") as file:
        for _ in range(mib):
            file.write(os.urandom(2**20))


def _empty(bucket: str) -> None:
    client = _client()
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for found in page.get("Contents", []):
            client.delete_object(Bucket=bucket, Key=found["Key"])
    client.delete_bucket(Bucket=bucket)


if __name__ == "__main__":
    main()
