"""Where packages come from: settings of uv, else of pip; passwords stay where they are."""

import pytest

from jupyter_flotilla.environment.indexes import index_environment, masked


@pytest.fixture
def of(tmp_path):
    """Settings of a user whose files are under ``tmp_path`` alone."""

    def environment(pip="", uv="", **more):
        (tmp_path / "pip").mkdir(exist_ok=True)
        (tmp_path / "pip" / "pip.conf").write_text(pip)
        (tmp_path / "uv.toml").write_text(uv)
        given = {
            "XDG_CONFIG_DIRS": str(tmp_path / "no"),
            "PIP_CONFIG_FILE": str(tmp_path / "pip" / "pip.conf"),
            "UV_CONFIG_FILE": str(tmp_path / "uv.toml"),
        }
        return index_environment(given | more, prefix=str(tmp_path / "venv"))

    return environment


def test_pip_settings_become_those_of_uv(of):
    found = of(
        "[global]\nindex-url = https://a/simple\n[install]\nextra-index-url =\n  https://b\n  https://c\n"
    )

    assert found["UV_DEFAULT_INDEX"] == "https://a/simple"
    assert found["UV_INDEX"] == "https://b https://c"
    assert found["UV_INDEX_STRATEGY"] == "unsafe-best-match"


def test_variables_of_pip_are_stronger_than_its_files(of):
    found = of("[global]\nindex-url = https://a", PIP_INDEX_URL="https://b")

    assert found["UV_DEFAULT_INDEX"] == "https://b"


def test_what_uv_is_told_itself_wins(of):
    assert "UV_DEFAULT_INDEX" not in of("[global]\nindex-url = https://a", UV_INDEX_URL="https://b")
    assert "UV_DEFAULT_INDEX" not in of(
        "[global]\nindex-url = https://a", '[[index]]\nurl = "https://b"\n'
    )


def test_a_broken_file_of_settings_is_left_to_its_owner(of):
    assert "UV_DEFAULT_INDEX" not in of("[global\nindex-url", "= no toml")


@pytest.mark.parametrize(
    "said",
    [
        "Failed to fetch: https://bob:pa55%21word@x.example/simple/a/",
        "https://pa55%21word@x.example",
        "401 for user bob:pa55%21word",
        "password pa55!word was refused",
        "named s3cret-of-index",
    ],
)
def test_passwords_are_masked_in_what_uv_says(said):
    environ = {
        "UV_DEFAULT_INDEX": "https://bob:pa55%21word@x.example/simple",
        "UV_INDEX_PRIVATE_PASSWORD": "s3cret-of-index",
    }

    shown = masked(said, environ)

    assert not any(secret in shown for secret in ("pa55%21word", "pa55!word", "s3cret-of-index"))
