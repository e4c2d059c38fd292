"""Images that cannot run jobs are told so in one clear line, and as what they are."""

import hashlib
import json
import platform
import subprocess
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest
import witness
from docker_jobs import Jobs, archive, docker, image_with

from jupyter_flotilla.model.observation import FailureKind

_OLD = '#!/bin/sh\ncase "$1" in -V) echo "Python 3.7.17" ;; *) exit 1 ;; esac\n'
_BROKEN = "#!/bin/sh\necho 'libz.so.1: cannot open shared object file' >&2; exit 127\n"
_DECOY = "#!/bin/sh\nexit 1\n"
#: The first bytes of a program for 64-bit ARM: ELF, 64 bit, little endian, EM_AARCH64.
_ARM = bytes.fromhex("7f454c4602010100") + bytes(8) + bytes.fromhex("0200b70001000000") + bytes(40)

MakeImage = Callable[..., str]


@pytest.fixture
def make_image(jobs: Jobs) -> Iterator[MakeImage]:
    """Makes an image as `image_with` does; where there is no other one, of files alone."""
    made = []

    def make(
        image: str | None, files: Mapping[str, str | bytes], changes: Sequence[str] = ()
    ) -> str:
        if image is not None:
            made.append(image_with(image, files, changes))
            return made[-1]
        name = f"flotilla-test-{uuid.uuid4().hex[:12]}"
        subprocess.run(
            ["docker", "import", "-", name], input=archive(files), check=True, capture_output=True
        )
        made.append(name)
        return name

    yield make
    jobs.remove_all()
    for image in made:
        docker("rmi", "-f", image)


def test_a_missing_image_is_named(jobs: Jobs) -> None:
    ending = jobs.run("true", image="flotilla/nowhere:1")

    assert ending.failure_kind is FailureKind.IMAGE
    assert ending.message == "There is no image flotilla/nowhere:1 here."


def test_what_is_no_name_of_an_image_is_told_so(jobs: Jobs) -> None:
    ending = jobs.run("true", image="Über Image")

    assert ending.failure_kind is FailureKind.IMAGE
    assert ending.message == "'Über Image' is no name of an image."


def test_an_image_without_python_is_told_what_it_lacks(jobs: Jobs, no_python_image: str) -> None:
    ending = jobs.run("true", image=no_python_image)

    assert ending.failure_kind is FailureKind.IMAGE
    assert ending.message == (
        "The image cannot run jobs. It said: it has no Python; jobs need Python 3.8 or later in it"
    )


def test_a_python_that_is_too_old_is_named_with_its_version(
    jobs: Jobs, no_python_image: str, make_image: MakeImage
) -> None:
    ending = jobs.run("true", image=make_image(no_python_image, {"bin/python3": _OLD}))

    assert ending.failure_kind is FailureKind.IMAGE
    assert "its python3 is: Python 3.7.17" in (ending.message or "")


def test_a_python_that_does_not_start_is_told_with_its_words(
    jobs: Jobs, no_python_image: str, make_image: MakeImage
) -> None:
    ending = jobs.run("true", image=make_image(no_python_image, {"bin/python3": _BROKEN}))

    assert ending.failure_kind is FailureKind.IMAGE
    assert "libz.so.1: cannot open shared object file" in (ending.message or "")


def test_a_good_python_is_found_beside_one_that_is_too_old(
    jobs: Jobs, docker_ground: str, make_image: MakeImage
) -> None:
    files = {
        "usr/local/bin/python3": _DECOY,
        "usr/local/bin/python": '#!/bin/sh\nexec /usr/bin/python3 "$@"\n',
    }

    ending = jobs.run("true", image=make_image(docker_ground, files))

    assert ending.outcome == "succeeded", ending.message


def test_an_image_without_a_shell_is_told_what_it_lacks(jobs: Jobs, make_image: MakeImage) -> None:
    image = make_image(None, {"hello": b"nothing"})

    ending = jobs.run("true", image=image)

    assert ending.failure_kind is FailureKind.IMAGE
    assert ending.message == (
        f"Image {image} has no /bin/sh; jobs need a shell and Python 3.8 or later in it."
    )


def test_an_image_for_another_kind_of_machine_is_told_so(jobs: Jobs, make_image: MakeImage) -> None:
    ending = jobs.run("true", image=make_image(None, {"bin/sh": _ARM}))

    assert ending.failure_kind is FailureKind.IMAGE
    assert "is for another kind of machine" in (ending.message or "")


@pytest.fixture
def arm_image(docker_ground: str) -> Iterator[str]:
    """An image that says that it is for 64-bit ARM, as one that was pulled for it does."""
    layer = archive({"bin/sh": _ARM, "usr/bin/python3": _ARM})
    config = {
        "architecture": "arm64",
        "os": "linux",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
    }
    name = f"flotilla-test-{uuid.uuid4().hex[:12]}:arm"
    manifest = [{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]
    parts = {
        "config.json": json.dumps(config), "manifest.json": json.dumps(manifest),
        "layer.tar": layer,
    }  # fmt: skip
    subprocess.run(["docker", "load", "--quiet"], input=archive(parts), check=True)
    yield name
    docker("rmi", "-f", name)


_HAS_OTHER = "is for another kind of machine: for arm64, and this one is amd64; "


@pytest.mark.skipif(platform.machine() != "x86_64", reason="cannot exist in CI: it is not ARM")
def test_a_job_in_an_image_for_another_machine_is_told_for_which(
    jobs: Jobs, arm_image: str
) -> None:
    ending = jobs.run("true", image=arm_image)

    assert ending.failure_kind is FailureKind.IMAGE
    assert f"The image {arm_image} {_HAS_OTHER}" in (ending.message or "")


@pytest.mark.skipif(platform.machine() != "x86_64", reason="cannot exist in CI: it is not ARM")
def test_a_notebook_is_not_sent_to_an_image_for_another_machine(
    jobs: Jobs, arm_image: str, settings_file: Path, tmp_path: Path
) -> None:
    path = witness.notebook(tmp_path / "n.ipynb", "1")

    refused = witness.flotilla("run", path, "--engine", "docker", "--image", arm_image)

    assert refused.returncode == 2
    assert f"image {arm_image} {_HAS_OTHER}" in refused.stderr
    assert "docker pull --platform linux/amd64" in refused.stderr


def test_an_images_own_program_user_and_folder_do_not_matter(
    jobs: Jobs, docker_ground: str, make_image: MakeImage
) -> None:
    wants = ['ENTRYPOINT ["/bin/false"]', "USER 65534", "WORKDIR /proc", "VOLUME /data"]

    ending = jobs.run("echo yes > here", image=make_image(docker_ground, {}, wants))

    assert ending.outcome == "succeeded", ending.message


def test_an_images_health_check_does_not_run_beside_the_job(
    jobs: Jobs, docker_ground: str, make_image: MakeImage
) -> None:
    image = make_image(docker_ground, {}, ["HEALTHCHECK --interval=1s CMD touch /tmp/checked"])

    handle = jobs.begin("touch ready; sleep 60", image=image)

    assert "Health" not in jobs.inspect(handle)["State"]
