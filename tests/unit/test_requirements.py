"""What packages a job needs: imports, scripts, locks, and what is installed."""

import json

import pytest

from jupyter_flotilla.environment import (
    Installed,
    JobCode,
    find_requirements,
    read_deps,
    read_with,
)
from jupyter_flotilla.environment.imports import imported_by, script_block
from jupyter_flotilla.errors import InvalidOption

AUTO = read_deps("auto")


class Site:
    """A folder with the metadata of distributions that do not exist."""

    def __init__(self, folder):
        self.folder = folder

    def add(self, name, version="1.0", files=(), requires=(), direct=None):
        info = self.folder / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir(parents=True)
        lines = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}"]
        lines += [f"Requires-Dist: {text}" for text in requires]
        (info / "METADATA").write_text("\n".join(lines) + "\n")
        files = files or [f"{name.replace('-', '_')}/__init__.py"]
        (info / "RECORD").write_text("".join(f"{file},,\n" for file in files))
        if direct:
            (info / "direct_url.json").write_text(json.dumps(direct))
        return self

    @property
    def installed(self):
        return Installed([str(self.folder)])


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path / "site-packages")


@pytest.fixture
def find(site, tmp_path):
    """Find the requirements of a source against the site; a project is in ``tmp_path/project``."""
    project = tmp_path / "project"
    (project / ".git").mkdir(parents=True)

    def found(source="", deps=AUTO, extra=(), **code):
        code = JobCode(sources=(source,), **({"cwd": project} | code))
        return find_requirements(deps, code, extra=extra, installed=site.installed)

    return found


def test_imports_are_pinned_and_what_they_need_is_bound(site, find):
    site.add("pandas", "3.1", requires=["numpy>=1", "tzdata; sys_platform == 'nope'"])
    site.add("numpy", "2.4").add("tzdata").add("unused")

    found = find("import os, pandas.core as p\nfrom . import x\nfrom json import loads")

    assert (found.origin, found.may_build) == ("imports", True)
    assert found.requirements == ("pandas==3.1",)
    assert found.constraints == ("numpy==2.4",)


def test_an_import_name_is_not_the_name_of_its_package(site, find):
    site.add("scikit-learn", files=["sklearn/__init__.py"])
    site.add("PyYAML", "6.0", files=["yaml/__init__.py"]).add("six", files=["six.py"])

    found = find("import sklearn, yaml\nif x:\n  def f():\n    import six")

    assert found.requirements == ("pyyaml==6.0", "scikit-learn==1.0", "six==1.0")


def test_of_a_shared_namespace_only_the_owner_of_the_module_is_brought(site, find):
    site.add("google-cloud-storage", files=["google/cloud/storage/__init__.py"])
    site.add("google-cloud-bigquery", files=["google/cloud/bigquery/__init__.py"])
    site.add("protobuf", files=["google/protobuf/message.py"])

    assert find("from google.cloud import storage").requirements == ("google-cloud-storage==1.0",)
    assert find("import google.protobuf.message").requirements == ("protobuf==1.0",)


def test_what_is_not_installed_is_said(find):
    found = find("import nowhere, alsonot")

    assert found.requirements == ()
    assert "alsonot, nowhere: not installed here" in found.notes[0]


def test_our_own_package_never_travels(site, find):
    site.add("jupyter-flotilla", files=["jupyter_flotilla/__init__.py"], requires=["click"])

    found = find("from jupyter_flotilla import job")

    assert (found.requirements, found.constraints, found.notes) == ((), (), ())


def test_local_modules_are_read_and_not_brought(site, find, tmp_path):
    site.add("polars").add("helpers")
    (tmp_path / "helpers.py").write_text("import polars")

    found = find("import helpers", local={"helpers.py": tmp_path / "helpers.py"})

    assert found.requirements == ("polars==1.0",)


def test_of_an_editable_package_what_it_needs_is_brought(site, find, tmp_path):
    folder = tmp_path / "my prøject"
    (folder / "src" / "mine").mkdir(parents=True)
    (folder / "src" / "mine" / "__init__.py").write_text("")
    direct = {"url": folder.as_uri(), "dir_info": {"editable": True}}
    site.add("mine", files=["_mine.pth"], requires=["lazy>=1"], direct=direct).add("lazy", "1.5")

    found = find("import mine", local={"mine/__init__.py": folder / "src" / "mine" / "__init__.py"})

    assert found.requirements == ("lazy==1.5",)


def test_a_package_of_git_is_brought_at_its_commit_without_a_password(site, find):
    direct = {
        "url": "https://bob:pa55word@example.org/a/tool.git",
        "vcs_info": {"vcs": "git", "commit_id": "0" * 40},
    }
    site.add("tool", direct=direct).add("top", requires=["tool"])

    found = find("import top")

    assert found.requirements == (
        f"tool @ git+https://example.org/a/tool.git@{'0' * 40}",
        "top==1.0",
    )


def test_a_local_version_is_dropped_and_that_is_said(site, find):
    site.add("torch", "2.6.0+cu124")

    found = find("import torch")

    assert found.requirements == ("torch==2.6.0",)
    assert "torch 2.6.0+cu124 → 2.6.0" in found.notes[0]


def test_a_package_of_conda_is_an_ordinary_one(site, find):
    site.add("numpy", "2.4", direct={"url": "file:///croot/numpy_1/work", "dir_info": {}})

    assert find("import numpy").requirements == ("numpy==2.4",)


def test_what_is_loaded_without_an_import_comes_along(site, find):
    site.add("pandas").add("pyarrow").add("openpyxl").add("s3fs")

    found = find("import pandas as pd\npd.read_parquet('s3://bucket/x')")

    assert found.requirements == ("pandas==1.0", "pyarrow==1.0", "s3fs==1.0")
    assert {"+ pyarrow for parquet", "+ s3fs for s3://"} <= set(found.notes)


def test_cells_with_magics_are_read(site, find):
    for name in ("alpha", "beta", "gamma", "memory-profiler"):
        site.add(name)
    source = (
        "%load_ext memory_profiler\n!ls\nimport alpha\nif x:\n    %time import gamma\nimport beta"
    )

    assert find(source).requirements == ("alpha==1.0", "beta==1.0", "memory-profiler==1.0")


@pytest.mark.parametrize(
    "source", ["import a.b, c as d\nx = (", "%%bash\nls\nimport a.b, c as d(\n"]
)
def test_text_that_is_no_python_is_read_by_lines(source):
    assert imported_by([source]) == {"a.b", "c"}


@pytest.mark.parametrize("source", ["", "\0", "import", "(" * 5_000, "import " + "a" * 10_000])
def test_hard_text_is_survived(source):
    imported_by([source])


def test_with_wins_over_what_was_found(site, find):
    site.add("pandas", "3.1", requires=["numpy"]).add("numpy", "2.4")

    found = find("import pandas", extra=read_with(["Pandas[excel]<3", "numpy>=1", "polars"]))

    assert found.requirements == ("Pandas[excel]<3", "numpy>=1", "polars")
    assert found.constraints == ()


def test_freeze_brings_all_roots_and_binds_the_rest(site, find):
    site.add("a", requires=["b"]).add("b", requires=["c; extra == 'x'"]).add("c").add("pip")
    site.add("ring-1", requires=["ring-2"]).add("ring-2", requires=["ring-1"])

    found = find(deps=read_deps("freeze"))

    assert found.requirements == ("a==1.0", "c==1.0", "ring-1==1.0", "ring-2==1.0")
    assert found.constraints == ("b==1.0",)


def test_none_brings_nothing_but_with(find):
    found = find("import pandas", deps=read_deps("none"), extra=("polars",))

    assert (found.origin, found.requirements) == ("none", ("polars",))


# --- scripts (PEP 723) -----------------------------------------------------------------------

BLOCK = """\
# /// script
# requires-python = ">=3.11"
# dependencies = [
#   "polars>=1",
# ]
# ///
import pandas
"""


def test_a_script_block_wins_and_may_not_build(site, find):
    site.add("pandas")

    found = find(BLOCK)

    assert (found.origin, found.may_build) == ("script", False)
    assert (found.requirements, found.requires_python) == (("polars>=1",), ">=3.11")


@pytest.mark.parametrize(
    "block",
    [
        BLOCK + BLOCK,
        BLOCK.replace("[", "("),
        BLOCK.replace('"polars>=1"', "7"),
        BLOCK.replace("polars>=1", "--index-url=x"),
        BLOCK.replace('">=3.11"', "3"),
        BLOCK.replace('">=3.11"', '"any"'),
    ],
    ids=["twice", "no toml", "number", "option", "python", "specifier"],
)
def test_a_wrong_script_block_is_said(block):
    with pytest.raises(InvalidOption):
        script_block([block])


# --- locks -----------------------------------------------------------------------------------


def test_a_lock_that_covers_the_imports_is_taken(site, find, tmp_path):
    site.add("pandas", "3.1")
    (tmp_path / "project" / "requirements.txt").write_text(
        "# made by hand\npandas==3.0 \\\n   --hash=sha256:00 \\\n   --hash=sha256:11\n"
        "numpy==2.1 # why\n"
    )

    found = find("import pandas", path=tmp_path / "project" / "a" / "n.ipynb")

    assert (found.origin, found.may_build) == ("lock", False)
    assert found.requirements == ("pandas==3.0", "numpy==2.1")
    assert "pandas ==3.0 (here 3.1)" in found.notes[0]


def test_a_lock_that_is_installed_as_it_says_may_be_built(site, find, tmp_path):
    site.add("pandas", "3.1").add("numpy", "2.4")
    lock = tmp_path / "project" / "requirements.txt"

    lock.write_text("pandas==3.1\nnumpy==2.4\nonly-there==1; sys_platform == 'nope'\n")
    assert find("import pandas").may_build
    lock.write_text("pandas==3.1\nunknown-here==1\n")
    assert not find("import pandas").may_build


@pytest.mark.parametrize("text", ["numpy==2.1", "pandas>=2", "pandas==2.*", "pandas = 2", ""])
def test_a_lock_that_does_not_is_left(site, find, tmp_path, text):
    site.add("pandas", "3.1")
    (tmp_path / "project" / "requirements.txt").write_text(text)

    found = find("import pandas")

    assert (found.origin, found.requirements) == ("imports", ("pandas==3.1",))


def test_a_lock_above_the_project_is_not_its_lock(site, find, tmp_path):
    site.add("pandas", "3.1")
    (tmp_path / "requirements.txt").write_text("pandas==3.0")

    assert find("import pandas").origin == "imports"
    with pytest.raises(InvalidOption, match="there is no uv"):
        find("import pandas", deps=read_deps("lock"))


def test_a_pylock_is_read(find, tmp_path):
    (tmp_path / "project" / "pylock.toml").write_text(
        """lock-version = "1.0"
        [[packages]]
        name = "pandas"
        version = "3.1"
        marker = "python_version >= '3.9'"
        [[packages]]
        name = "mine"
        directory = {path = "."}
        [[packages]]
        name = "tool"
        vcs = {type = "git", url = "https://example.org/t", commit-id = "00"}
        """
    )

    found = find(deps=read_deps("lock"))

    assert found.requirements == (
        'pandas==3.1; python_version >= "3.9"',
        "tool @ git+https://example.org/t@00",
    )
    assert "mine" in found.notes[0]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "packages = 3",
        "[[packages]]",
        "packages = ['a']",
        "= no",
        "[[packages]]\nname='--index-url x'\nversion='1'",
    ],
)
def test_a_wrong_pylock_is_said(find, tmp_path, text):
    (tmp_path / "pylock.toml").write_text(text)

    with pytest.raises(InvalidOption):
        find(deps=read_deps(str(tmp_path / "pylock.toml")))


def test_a_file_is_read_with_what_it_includes(find, tmp_path):
    project = tmp_path / "project"
    (project / "r.txt").write_text(
        "--index-url https://bob:pa55word@x.example\n-r more/m.txt\n-c bounds.txt\n-e .\n./x.whl\n"
        "pandas[excel] >= 2 ; python_version > '3.8'\n"
    )
    (project / "more").mkdir()
    (project / "more" / "m.txt").write_text("polars\n-r ../r.txt\n")
    (project / "bounds.txt").write_text("numpy<3\n")

    found = find(deps=read_deps("./r.txt"))

    assert (found.origin, found.may_build) == ("file", True)
    assert found.requirements == ("polars", 'pandas[excel]>=2; python_version > "3.8"')
    assert found.constraints == ("numpy<3",)
    assert any("--index-url is not taken" in note for note in found.notes)
    assert "pa55word" not in repr(found)


@pytest.mark.parametrize("name", ["missing.txt", "folder/"])
def test_a_file_that_is_not_there_is_said(find, name):
    with pytest.raises(InvalidOption, match="cannot be read"):
        find(deps=read_deps(name))
