"""The ground itself: what tests with containers and S3 may take for granted."""

import io
import os
import shutil
import socket
import subprocess
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import psutil
from container_ground import ENVIRON, UP, Ground, S3Endpoint

MIB = 1024 * 1024


def in_container(image: str, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a new container and return what it said."""
    return subprocess.run(
        ["docker", "run", "--rm", image, *command], capture_output=True, text=True, check=False
    )


def test_the_base_image_has_python_but_neither_nbclient_nor_ipykernel(docker_ground: str) -> None:
    asked = "from importlib.util import find_spec as f; print(f('nbclient'), f('ipykernel'), 6 * 7)"

    ran = in_container(docker_ground, "python3", "-c", asked)

    assert ran.stdout == "None None 42\n", ran.stderr


def test_an_environment_can_be_made_in_the_base_image(docker_ground: str) -> None:
    asked = "import ensurepip, pip, venv; venv.create('/v'); print(ensurepip.version() > '2')"

    ran = in_container(docker_ground, "python3", "-c", asked)

    assert ran.stdout == "True\n", ran.stderr


def test_the_image_without_python_has_a_shell_and_no_python(no_python_image: str) -> None:
    asked = "echo $((6 * 7)); command -v python3 || command -v python || echo none"

    ran = in_container(no_python_image, "sh", "-c", asked)

    assert ran.stdout == "42\nnone\n", ran.stderr


def test_a_container_reads_from_the_s3_endpoint(
    docker_ground: str, s3_endpoint: S3Endpoint
) -> None:
    s3 = s3_endpoint.client()
    s3.put_object(Bucket=s3_endpoint.bucket, Key="for a container/ö", Body=b"from the host")
    url = s3.generate_presigned_url(
        "get_object", Params={"Bucket": s3_endpoint.bucket, "Key": "for a container/ö"}
    )
    read = "import sys, urllib.request as u; print(u.urlopen(sys.argv[1], timeout=20).read())"

    ran = in_container(docker_ground, "python3", "-c", read, url)

    assert ran.stdout == "b'from the host'\n", ran.stderr


def test_s3_gives_back_a_range_of_what_was_put(s3_endpoint: S3Endpoint) -> None:
    s3 = s3_endpoint.client()
    s3.put_object(Bucket=s3_endpoint.bucket, Key="range", Body=b"0123456789")

    part = s3.get_object(Bucket=s3_endpoint.bucket, Key="range", Range="bytes=2-4")

    assert part["Body"].read() == b"234"
    assert part["ContentRange"] == "bytes 2-4/10"


def test_s3_puts_the_parts_of_a_large_object_together(s3_endpoint: S3Endpoint) -> None:
    from boto3.s3.transfer import TransferConfig

    s3 = s3_endpoint.client()
    content = os.urandom(11 * MIB)
    parts = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB)

    s3.upload_fileobj(io.BytesIO(content), s3_endpoint.bucket, "large", Config=parts)

    stored = s3.get_object(Bucket=s3_endpoint.bucket, Key="large")
    assert stored["Body"].read() == content
    assert stored["ETag"].endswith('-3"')


def test_s3_takes_what_is_put_to_a_presigned_url(s3_endpoint: S3Endpoint) -> None:
    s3 = s3_endpoint.client()
    url = s3.generate_presigned_url(
        "put_object", Params={"Bucket": s3_endpoint.bucket, "Key": "presigned"}
    )

    request = urllib.request.Request(url, data=b"without keys", method="PUT")
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert answer.status == 200

    stored = s3.get_object(Bucket=s3_endpoint.bucket, Key="presigned")
    assert stored["Body"].read() == b"without keys"


def test_a_test_that_asks_has_the_emulators_variables_and_no_others(
    aws_environment: Mapping[str, str], s3_endpoint: S3Endpoint
) -> None:
    import boto3

    found = boto3.session.Session().client("s3").list_buckets()["Buckets"]

    set_here = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    assert set_here == aws_environment
    assert s3_endpoint.bucket in [bucket["Name"] for bucket in found]


def test_a_test_that_does_not_ask_has_no_variables_of_the_emulator(
    s3_endpoint: S3Endpoint,
) -> None:
    assert os.environ.get("AWS_ENDPOINT_URL") != s3_endpoint.url


def test_bringing_it_up_again_changes_nothing(
    docker_ground: str, s3_endpoint: S3Endpoint, ground: Ground
) -> None:
    before = daemons_and_images(docker_ground)

    again = subprocess.run(["bash", UP], capture_output=True, text=True, check=True, env=ENVIRON)

    assert again.stderr == ""
    assert ground.environment["AWS_ENDPOINT_URL"] in again.stdout
    assert daemons_and_images(docker_ground) == before


def test_without_docker_it_says_why_and_still_offers_s3(
    s3_endpoint: S3Endpoint, tmp_path: Path
) -> None:
    environ = ENVIRON | {
        "DOCKER_HOST": "unix:///nowhere/docker.sock",
        "FLOTILLA_GROUND_STATE": str(tmp_path / "state"),
    }

    ran = subprocess.run(["bash", UP], capture_output=True, text=True, check=False, env=environ)

    assert ran.returncode == 3
    assert ran.stderr == "no Docker: nothing answers at unix:///nowhere/docker.sock\n"
    assert "AWS_ENDPOINT_URL" in ran.stdout
    assert "FLOTILLA_BASE_IMAGE" not in ran.stdout
    assert "FLOTILLA_ECS_ENDPOINT" not in ran.stdout


def test_an_emulator_that_is_made_of_older_files_is_started_anew(
    s3_endpoint: S3Endpoint, docker_ground: str, tmp_path: Path
) -> None:
    folder, state = tmp_path / "ground", tmp_path / "state"
    shutil.copytree(UP.parent, folder)
    state.mkdir(mode=0o700)
    (state / "venv").symlink_to(state_folder() / "venv")
    port = free_port()
    environ = ENVIRON | {"FLOTILLA_GROUND_STATE": str(state), "FLOTILLA_GROUND_PORT": str(port)}

    def bring_up() -> str:
        up = ["bash", folder / "up.sh"]
        subprocess.run(up, capture_output=True, check=True, env=environ)
        return (state / "emulator.pid").read_text()

    try:
        first, again = bring_up(), bring_up()
        with (folder / "emulator" / "door.py").open("a") as file:
            file.write("# newer\n")
        newer = bring_up()
    finally:
        subprocess.run(["bash", folder / "down.sh"], check=True, env=environ)

    assert first == again != newer


def state_folder() -> Path:
    """Return where the ground that the tests stand on keeps its state."""
    asked = '. "$1"; echo "$state"'
    shown = subprocess.run(
        ["bash", "-c", asked, "bash", UP.with_name("processes.sh")],
        capture_output=True, text=True, check=True, env=ENVIRON,
    )  # fmt: skip
    return Path(shown.stdout.strip())


def free_port() -> int:
    """Return a port that nobody listens at."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _is_usual(words: list[str] | None) -> bool:
    """Say whether a Docker daemon is the machine's, and none of another test's own."""
    return not any("flotilla-dockerd-" in word for word in words or ())


def daemons_and_images(image: str) -> tuple[set[tuple[int, float]], str]:
    """Return the daemons of the ground with the time they were started, and the image's id."""
    daemons = {
        (process.pid, process.info["create_time"])
        for process in psutil.process_iter(["name", "cmdline", "create_time"])
        if (process.info["name"] == "dockerd" and _is_usual(process.info["cmdline"]))
        or {"-m", "emulator"} <= set(process.info["cmdline"] or ())
    }
    shown = subprocess.run(
        ["docker", "image", "inspect", "--format", "{{.Id}}", image],
        capture_output=True,
        text=True,
        check=True,
    )
    return daemons, shown.stdout
