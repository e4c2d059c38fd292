"""Options that nobody gives: profiles, variables, the project's file, a notebook's metadata."""

import json
from pathlib import Path

import pytest
import witness

import jupyter_flotilla as fl


@pytest.fixture
def project(tmp_path: Path, settings_file: Path) -> Path:
    """A folder in a project that has a file of its own, with a notebook in it."""
    settings_file.write_text(
        settings_file.read_text()
        + '[defaults]\ntimeout = "1h"\nmemory = "2G"\n'
        + '[defaults.tags]\nteam = "x"\n'
        + '[profiles.big]\nmemory = "1500M"\ncpu = 2\n'
    )
    folder = tmp_path / "pro ject" / "notebooks"
    folder.mkdir(parents=True)
    witness.notebook(folder / "in.ipynb", "1 + 1")
    return folder


def _metadata(notebook: Path, **options: object) -> None:
    content = json.loads(notebook.read_text())
    content["metadata"]["flotilla"] = options
    notebook.write_text(json.dumps(content))


def _plan(*words: str | Path, **options: object) -> str:
    shown = witness.flotilla("run", *words, "--dry-run", **options)
    assert shown.returncode == 0, shown.stderr
    return shown.stderr


def test_defaults_are_those_of_the_users_file(project: Path) -> None:
    plan = _plan(project / "in.ipynb")

    assert "memory 2 G  timeout 1h" in plan


@pytest.mark.parametrize("words", [["@big"], ["--profile", "big"], ["--profile=@big"]], ids=str)
def test_a_profile_is_stronger_than_defaults(project: Path, words: list[str]) -> None:
    plan = _plan(*words, project / "in.ipynb")

    assert "2 vCPU  memory 1.5 G  timeout 1h" in plan


def test_what_is_given_is_stronger_than_a_profile(project: Path) -> None:
    plan = _plan("@big", "--memory", "1G", "--", "true")

    assert "2 vCPU  memory 1 G" in plan


def test_an_unknown_profile_is_refused_with_those_there_are(project: Path) -> None:
    refused = witness.flotilla("run", "@huge", project / "in.ipynb")

    assert refused.returncode == 2
    assert "no profile @huge; there are @big" in refused.stderr


def test_a_variable_is_stronger_than_the_file(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOTILLA_MEMORY", "1G")
    monkeypatch.setenv("FLOTILLA_MAX_COST", "3")

    run = fl.run_notebook(project / "in.ipynb", tags={"run": "1"})

    spec = run.snapshot.spec
    assert (spec.resources.memory_mib, spec.max_cost_usd) == (1024, 3.0)
    assert spec.tags == {"run": "1", "team": "x"}


def test_a_notebook_and_a_project_lower_limits_and_it_is_said(project: Path) -> None:
    _metadata(project / "in.ipynb", memory="1G", cpu=8)
    (project.parent / "pyproject.toml").write_text(
        '[tool.flotilla.defaults]\ntimeout = "2m"\nmemory = "64G"\n'
    )

    plan = _plan(project / "in.ipynb")

    assert "1 vCPU  memory 1 G  timeout 2m" in plan
    assert "memory = '1G' comes from" in plan
    assert "cpu = 8 of" in plan
    assert "does not count: what comes with a notebook or project may only lower" in plan


def test_what_needs_consent_is_refused_until_it_is_given_and_again_when_it_changes(
    project: Path,
) -> None:
    file = project.parent / "flotilla.toml"
    file.write_text('[defaults]\nfiles = ["*.csv"]\n')
    (project / "data.csv").write_text("1")

    refused = witness.flotilla("run", project / "in.ipynb")
    with pytest.raises(fl.FlotillaError, match="needs your consent"):
        fl.run_notebook(project / "in.ipynb")
    nobody = witness.flotilla("trust", project)
    agreed = witness.flotilla("trust", file, "--yes")
    plan = witness.flotilla("run", project / "in.ipynb", "--dry-run")
    file.write_text('[defaults]\nfiles = ["*"]\n')
    changed = witness.flotilla("run", project / "in.ipynb")

    assert (refused.returncode, "jupyter flotilla trust" in refused.stderr) == (3, True)
    assert nobody.returncode == 3
    assert (agreed.returncode, plan.returncode, changed.returncode) == (0, 0, 3)
    assert "files = ['*.csv'] comes from" in plan.stderr


def test_consent_can_be_taken_back(project: Path) -> None:
    _metadata(project / "in.ipynb", env={"A": "1"})

    codes = [
        witness.flotilla(*words).returncode
        for words in (
            ("trust", project / "in.ipynb", "--yes"), ("run", project / "in.ipynb", "--dry-run"),
            ("trust", project / "in.ipynb", "--undo"), ("run", project / "in.ipynb", "--dry-run"),
        )
    ]  # fmt: skip

    assert codes == [0, 0, 0, 3]


def test_consent_is_for_one_notebook_however_its_path_is_written(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other").mkdir()
    for folder in (project, tmp_path / "other"):
        witness.notebook(folder / "same.ipynb", "1")
        _metadata(folder / "same.ipynb", env={"A": "1"})
    monkeypatch.chdir(project)
    monkeypatch.setenv("HOME", str(project))

    trusted = witness.flotilla("trust", "same.ipynb", "--yes")
    run = fl.run_notebook("same.ipynb")
    from_home = fl.run_notebook("~/same.ipynb")
    monkeypatch.chdir(tmp_path / "other")
    with pytest.raises(fl.FlotillaError, match="needs your consent"):
        fl.run_notebook("same.ipynb")

    assert trusted.returncode == 0
    assert [one.snapshot.spec.env["A"] for one in (run, from_home)] == ["1", "1"]


def test_config_says_why(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOTILLA_MEMORY", "1G")
    _metadata(project / "in.ipynb", memory="3G")

    shown = witness.flotilla("config", "--why", "memory", "--for", project / "in.ipynb")
    as_json = witness.flotilla("config", "--why", "--memory", "--profile", "big", "--json")
    wrong = witness.flotilla("config", "--why", "memroy")

    marked = [line for line in shown.stdout.splitlines() if line.startswith("→")]
    assert marked == ["→ '1G'   [FLOTILLA_MEMORY]"]
    assert "may only lower limits" in shown.stdout
    assert json.loads(as_json.stdout)["value"] == 1500
    assert (wrong.returncode, "memory" in wrong.stderr) == (2, True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[defaults]\nmemory = "16"\n', "'16' is not a size"),
        ("[defaults]\nmemroy = 1\n", "did you mean memory"),
        ('[defaults]\nname = "x"\n', "there is no option 'name'"),
        ("defaults = 3\n", "are tables of options"),
        ("[profiles]\nbig = 3\n", "are tables of options"),
    ],
)
def test_a_mistake_in_the_users_file_names_it(
    settings_file: Path, text: str, expected: str
) -> None:
    settings_file.write_text(text)

    refused = witness.flotilla("run", "--", "true")

    assert refused.returncode == 2
    assert expected in refused.stderr
    assert str(settings_file) in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_retry_takes_a_profile_and_no_defaults(project: Path) -> None:
    run = fl.submit(["true"], memory="1G", timeout="5m", wait=True)

    again = run.retry(profile="big")

    spec = again.snapshot.spec
    assert (spec.resources.memory_mib, spec.resources.cpu, spec.timeout_s) == (1500, 2.0, 300)


@pytest.mark.parametrize("suffix", [".py", ".ipynb"])
def test_header_lines_of_a_file_are_options_and_those_of_others_are_not(
    project: Path, suffix: str
) -> None:
    source = "#!/usr/bin/env python\n#| max-cost: '2'\n#| timeout: 5m\n#| label: fig-1\nimport os"
    path = project / f"told{suffix}"
    path.write_text(source)
    if suffix == ".ipynb":
        witness.notebook(path, source)

    plan = _plan(path, "--cpu", "2")

    assert "2 vCPU  memory 2 G  timeout 5m" in plan
    assert f"{path.name} (#| lines)" in plan


def test_a_header_that_asks_for_more_needs_consent(project: Path) -> None:
    path = project / "told.py"
    path.write_text("#| image: evil\n1")

    refused = witness.flotilla("run", path, "--dry-run")

    assert refused.returncode == 3
    assert "(#| lines) asks for image = 'evil'" in refused.stderr
