"""What worker images are made of: the Dockerfile's text, and what a build is given."""

import io
import tarfile
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from jupyter_flotilla.commands.image import _checked
from jupyter_flotilla.errors import EnvironmentProblem, InvalidOption
from jupyter_flotilla.images.context import Scheme, read_scheme, record_for, write_context
from jupyter_flotilla.images.dockerfile import Recipe, default_tag, dockerfile

SCHEME = Scheme(
    packages=PurePosixPath("/usr/local/lib/python3.12/site-packages"),
    scripts=PurePosixPath("/usr/local/bin"),
    data=PurePosixPath("/usr/local"),
)


def _recipe(**fields: Any) -> Recipe:
    given: dict[str, Any] = {
        "base": "python:3.12-slim",
        "pinned": "python:3.12-slim@sha256:abc",
        "python": "3.12.4",
        "executable": "/usr/local/bin/python3",
        "key": "0123456789abcdef",
        "packages": ("six==1.17.0", "wheel==0.45.1"),
        "replaced": (),
        "version": "1.2.3",
        "created_at": datetime(2026, 11, 25, 12, 30, 1, 999, tzinfo=UTC),
    }
    return Recipe(**(given | fields))


@pytest.fixture
def layer(tmp_path: Path) -> Path:
    """A layer as uv and we make it: packages, a program, data, and our own sitecustomize."""
    files = {
        "six.py": "x",
        "zmq/__init__.py": "",
        "zmq.libs/libzmq.so": "binary",
        "six-1.17.0.dist-info/RECORD": "six.py,sha256=a,1\nbin/six,sha256=b,2\n",
        "share/jupyter/kernel.json": "{}",
        "six.pth": "import six",
        "sitecustomize.py": "ours",
        "bin/six": "#!/usr/bin/python3\n",
    }
    for name, content in files.items():
        path = tmp_path / "layer ö" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    (tmp_path / "layer ö" / "bin" / "six").chmod(0o755)
    return tmp_path / "layer ö"


def _context(layer: Path) -> bytes:
    file = io.BytesIO()
    write_context(file, "FROM x", "six==1.17.0\n", layer, SCHEME)
    return file.getvalue()


def test_a_dockerfile_begins_with_the_pinned_base_and_ends_as_a_user_without_rights() -> None:
    lines = dockerfile(_recipe()).splitlines()

    assert "ARG BASE=python:3.12-slim@sha256:abc" in lines
    assert [line for line in lines if line.startswith("USER")] == ["USER root", "USER 10001:10001"]
    assert sum(line.startswith("RUN") for line in lines) == 1


def test_both_builders_understand_a_dockerfile() -> None:
    text = dockerfile(_recipe(replaced=("numpy",)))

    assert "--mount" not in text
    assert "<<" not in text
    assert "@" not in text.replace("@sha256", "")


def test_labels_say_what_is_in_an_image_and_when_it_was_made() -> None:
    text = dockerfile(_recipe(base='a"b$c'))

    assert 'flotilla.lock="0123456789abcdef"' in text
    assert 'flotilla.packages="2"' in text
    assert 'org.opencontainers.image.version="1.2.3"' in text
    assert 'org.opencontainers.image.created="2026-11-25T12:30:01Z"' in text
    assert 'org.opencontainers.image.base.name="a\\"b\\$c"' in text


def test_what_the_base_has_in_another_version_is_taken_away_before_the_copy() -> None:
    text = dockerfile(_recipe(replaced=("numpy", "pandas")))

    assert text.index("pip uninstall -q -y numpy pandas") < text.index("COPY root/ /")


def test_a_name_is_the_same_for_the_same_lock() -> None:
    assert default_tag("3.15.0rc1", "f" * 32) == "flotilla-worker:3.15-ffffffffffff"


def test_a_build_is_given_each_file_where_the_base_installs_such(layer: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(_context(layer))) as archive:
        modes = {info.name: info.mode for info in archive if info.isfile()}

    at = "root/usr/local/lib/python3.12/site-packages"
    assert modes == {
        "Dockerfile": 0o644,
        "requirements.txt": 0o644,
        "root/opt/flotilla/requirements.txt": 0o644,
        "root/opt/flotilla/compiled.txt": 0o644,
        f"{at}/six.py": 0o644,
        f"{at}/six.pth": 0o644,
        f"{at}/zmq/__init__.py": 0o644,
        f"{at}/zmq.libs/libzmq.so": 0o644,
        f"{at}/six-1.17.0.dist-info/RECORD": 0o644,
        "root/usr/local/share/jupyter/kernel.json": 0o644,
        "root/usr/local/bin/six": 0o755,
    }


def test_only_what_is_put_in_is_compiled(layer: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(_context(layer))) as archive:
        file = archive.extractfile("root/opt/flotilla/compiled.txt")
        assert file is not None
        compiled = file.read().decode().splitlines()

    assert compiled == [f"{SCHEME.packages}/six.py", f"{SCHEME.packages}/zmq"]


def test_a_sitecustomize_of_a_package_is_copied(layer: Path) -> None:
    record = layer / "six-1.17.0.dist-info" / "RECORD"
    record.write_text(record.read_text() + "sitecustomize.py,sha256=c,4\n")

    with tarfile.open(fileobj=io.BytesIO(_context(layer))) as archive:
        names = archive.getnames()

    assert f"root{SCHEME.packages}/sitecustomize.py" in names


def test_the_same_packages_are_the_same_bytes_and_say_nothing_of_this_machine(
    layer: Path, tmp_path: Path
) -> None:
    first = _context(layer)
    (layer / "six.py").touch()

    with tarfile.open(fileobj=io.BytesIO(first)) as archive:
        owners = {(info.uid, info.uname, info.mtime) for info in archive}
    assert _context(layer) == first
    assert len(owners) == 1
    assert str(tmp_path).encode() not in first


def test_a_record_names_files_from_where_its_packages_are() -> None:
    record = '"a,b.py",sha256=x,1\nbin/six,,\nshare/man/six.1,,\n'

    assert record_for(record, SCHEME) == (
        '"a,b.py",sha256=x,1\n../../../bin/six,,\n../../../share/man/six.1,,\n'
    )


def test_a_base_that_does_not_say_where_it_installs_is_refused() -> None:
    with pytest.raises(EnvironmentProblem, match="does not say where its Python installs: hello"):
        read_scheme("hello")


@pytest.mark.parametrize("tag", ["worker", "team/worker:2", "host:5000/team/worker:V2.0_a-b"])
def test_a_name_that_docker_takes_is_taken(tag: str) -> None:
    assert _checked(tag) == tag


@pytest.mark.parametrize("tag", ["", "Team/worker", "a b", "-a", "a//b", "a@sha256:b", "a:", "/a"])
def test_a_name_that_docker_does_not_take_is_refused(tag: str) -> None:
    with pytest.raises(InvalidOption, match="--tag"):
        _checked(tag)
