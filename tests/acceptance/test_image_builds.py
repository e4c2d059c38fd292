"""Worker images, built for real from the base image by the classic builder."""

import io
import json
import os
import subprocess
import tarfile
import uuid
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import witness

import jupyter_flotilla as fl
from jupyter_flotilla.engines.docker.image_store import ImageStore
from jupyter_flotilla.errors import EnvironmentProblem
from jupyter_flotilla.service import Flotilla

#: Names of images begin so that are built here: other tests have others, at the same time.
_NAME = f"flotilla-test-build-{uuid.uuid4().hex[:8]}-"
#: Longest time that a build may take: it gets some hundred files from an index, and packs them.
_BUILD_S = 150
#: What somebody does who needs another version on top of an image of ours.
_INSTALL = """\
USER root
COPY *.whl /tmp/
RUN pip install --no-index --no-deps /tmp/*.whl
"""


@pytest.fixture(scope="module", autouse=True)
def _kept(docker_ground: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keeps the steps of the image that most tests build: the daemon then need not repeat them."""
    name = f"{_NAME}{uuid.uuid4().hex[:8]}"
    before = _images()
    home = {**os.environ, "FLOTILLA_HOME": str(tmp_path_factory.mktemp("home"))}
    _build("--base", docker_ground, "--deps", "six==1.17.0", "--tag", name, env=home)
    yield
    _remove(_images() - before)


@pytest.fixture
def tag(docker_ground: str, settings_file: Path) -> Iterator[str]:
    """A name for an image; whatever the test has built under a name of its kind is removed."""
    before = _images()
    name = f"{_NAME}{uuid.uuid4().hex[:8]}"
    yield name
    _remove(_images() - before)


def _remove(images: set[str]) -> None:
    ours = [name for name in images if name.startswith((_NAME, "flotilla-worker:"))]
    for name in ours:
        held = witness.program("docker", "ps", "-aq", "--filter", f"ancestor={name}").stdout.split()
        if held:
            subprocess.run(["docker", "rm", "-f", *held], capture_output=True, check=False)
    if ours:
        subprocess.run(["docker", "rmi", *ours], capture_output=True, check=False)


def _images() -> set[str]:
    shown = witness.program("docker", "images", "--format", "{{.Repository}}:{{.Tag}}")
    return set(shown.stdout.split())


def _build(*words: str | Path, **options: Any) -> "subprocess.CompletedProcess[str]":
    return witness.flotilla("image", "build", *words, timeout=_BUILD_S, **options)


def _in(image: str, *command: str) -> str:
    ran = witness.program("docker", "run", "--rm", image, *command)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


def test_a_notebook_runs_on_its_image_with_nothing_brought(
    docker_ground: str, tag: str, facade: Flotilla, tmp_path: Path
) -> None:
    path = witness.notebook(tmp_path / "a b.ipynb", "import six; print(six.__file__)")

    built = _build(path, "--base", docker_ground, "--with", "six==1.17.0", "--tag", tag)
    run = fl.run_notebook(path, engine="docker", image=tag, with_="six==1.17.0", wait=True)

    assert built.returncode == 0, built.stderr
    assert "jobs on it bring no packages" in built.stderr
    assert f"--engine docker --image {tag}" in built.stderr
    assert (run.snapshot.spec.layer, run.snapshot.spec.packages) == (None, ())
    assert str(run.logs()).endswith("/dist-packages/six.py\n"), run.explain()


def test_an_image_is_small_has_no_right_to_anything_and_says_what_it_is(
    docker_ground: str, tag: str
) -> None:
    _build("--base", docker_ground, "--deps", "six==1.17.0", "--tag", tag)

    pyc = "import glob; print(len(glob.glob('/usr/lib/python3*/**/*.pyc', recursive=True)))"
    cached = "import six; print(six.__cached__); open(six.__cached__).close()"
    image = ImageStore().find(tag)
    assert image is not None
    assert _in(tag, "id", "-u") == "10001"
    assert _in(tag, "sh", "-c", "echo $HOME; touch $HOME/mine; ls") == "/home/flotilla\nmine"
    assert _in(tag, "python3", "-c", pyc) == "0"
    assert ".cpython-" in _in(tag, "python3", "-c", cached)
    assert _in(tag, "head", "-1", "/usr/local/bin/ipython") == "#!/usr/bin/python3"
    assert "six==1.17.0" in _in(tag, "cat", "/opt/flotilla/requirements.txt").splitlines()
    assert image.labels["org.opencontainers.image.base.name"] == docker_ground
    assert image.labels["flotilla.lock"]


def test_images_are_listed_and_the_same_is_not_built_twice(docker_ground: str, tag: str) -> None:
    _build("--base", docker_ground, "--deps", "six==1.17.0", "--tag", tag)
    again = _build("--base", docker_ground, "--deps", "six==1.17.0", "--tag", f"{tag}:2")

    listed = json.loads(witness.flotilla("image", "ls", "--json").stdout)
    [ours] = [image for image in listed if f"{tag}:2" in image["tags"]]
    assert "is there already" in again.stderr
    assert f"{tag}:latest" in ours["tags"]
    assert ours["base"] == docker_ground
    assert ours["packages"] > 20
    assert f"{tag}:2 " in witness.flotilla("image", "ls").stdout


def test_a_preview_builds_nothing(docker_ground: str, tag: str) -> None:
    before = _images()

    shown = _build("--base", docker_ground, "--deps", "six==1.17.0", "--dry-run")
    printed = _build("--base", docker_ground, "--deps", "six==1.17.0", "--print-dockerfile")

    assert "dry run: nothing was built" in shown.stderr
    assert f"ARG BASE={docker_ground}\n" in printed.stdout
    assert not [name for name in _images() - before if name.startswith((_NAME, "flotilla-worker:"))]


def test_a_base_that_has_all_needs_no_image(docker_ground: str, tag: str) -> None:
    _build("--base", docker_ground, "--deps", "six==1.17.0", "--tag", tag)

    needless = _build("--base", tag, "--deps", "six==1.17.0")

    assert needless.returncode == 0
    assert f"nothing to build: use --image {tag}" in needless.stderr


def test_an_image_that_is_the_default_is_not_built_upon(
    docker_ground: str, tag: str, settings_file: Path
) -> None:
    _build("--base", docker_ground, "--deps", "six==1.17.0", "--tag", tag)
    settings_file.write_text(f'image = "{tag}"\n')

    shown = _build("--deps", "six==1.16.0", "--dry-run")

    assert f" from {docker_ground}: " in shown.stderr


def test_another_version_than_that_of_the_base_takes_its_place(
    docker_ground: str, tag: str
) -> None:
    _build("--base", docker_ground, "--deps", "six==1.17.0", "--tag", tag)
    _derive(f"{tag}:9.9", f"FROM {tag}\n{_INSTALL}")

    built = _build("--base", f"{tag}:9.9", "--deps", "six==1.17.0", "--tag", f"{tag}:1.17")

    [found] = _in(f"{tag}:1.17", "sh", "-c", "ls -d /usr/local/lib/*/dist-packages/six-*").split()
    assert "jobs on it bring no packages" in built.stderr, built.stderr
    assert found.endswith("/six-1.17.0.dist-info")


def test_what_a_later_image_installs_wins(docker_ground: str, tag: str) -> None:
    _build("--base", docker_ground, "--deps", "six==1.17.0", "--tag", tag)

    _derive(f"{tag}:derived", f"FROM {tag}\n{_INSTALL}")

    assert _in(f"{tag}:derived", "python3", "-c", "import six; print(six.__version__)") == "9.9"
    assert "Version: 9.9" in _in(f"{tag}:derived", "pip", "show", "six")


def test_a_step_that_fails_is_told_with_what_it_said(docker_ground: str, tag: str) -> None:
    with pytest.raises(EnvironmentProblem, match=r"cannot be built:(?s:.*)oh no") as failed:
        _derive(tag, f"FROM {docker_ground}\nRUN echo oh no && false\n")

    assert "--base" in str(failed.value.next_step)
    assert ImageStore().find(tag) is None


def test_a_base_without_python_is_told_in_words(no_python_image: str, tag: str) -> None:
    refused = _build("--base", no_python_image)

    assert refused.returncode == 2
    assert f"image {no_python_image} cannot run jobs: it has no Python" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_name_that_means_nothing_is_refused_before_anything_is_done(tag: str) -> None:
    refused = _build("--tag", "Not A Name")

    assert refused.returncode == 2
    assert "--tag 'Not A Name' is no name for an image" in refused.stderr


def test_what_would_travel_is_shown_for_an_image(
    docker_ground: str, tag: str, tmp_path: Path
) -> None:
    path = witness.notebook(tmp_path / "n.ipynb", "import packaging")
    words = ("deps", path, "--image", docker_ground, "--with", "six==1.17.0")

    shown = witness.flotilla(*words).stdout
    as_json = json.loads(witness.flotilla(*words, "--json").stdout)

    assert "six==1.17.0" in as_json["brings"]
    assert as_json["origin"] == "imports"
    assert any(text.startswith("packaging==") for text in as_json["requirements"])
    assert as_json["bytes"] is None
    assert f"image    {docker_ground}: Python 3" in shown
    assert f"brings   {len(as_json['brings'])} (not got yet)" in shown


def _derive(name: str, dockerfile: str) -> None:
    """Build an image as somebody else would; a wheel of six 9.9 is in its context."""
    wheel = io.BytesIO()
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("six.py", "__version__ = '9.9'")
        archive.writestr(
            "six-9.9.dist-info/METADATA", "Metadata-Version: 2.1\nName: six\nVersion: 9.9"
        )
        archive.writestr("six-9.9.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr("six-9.9.dist-info/RECORD", "six.py,,\n")
    files = {
        "Dockerfile": dockerfile.encode(),
        "six-9.9-py3-none-any.whl": wheel.getvalue(),
    }
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as archive:
        for file, content in files.items():
            info = tarfile.TarInfo(file)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    context.seek(0)
    ImageStore().build(context, name, {}, lambda line: None)
