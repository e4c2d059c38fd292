"""What ``--deps`` and ``--with`` take, and what they must never let through."""

import doctest

import pytest

from jupyter_flotilla.environment import entries, read_deps, read_with
from jupyter_flotilla.environment.entries import checked
from jupyter_flotilla.errors import InvalidOption


@pytest.mark.parametrize("word", ["auto", "lock", "freeze", "none"])
def test_words_are_modes(word):
    assert read_deps(f" {word} ").mode == word


@pytest.mark.parametrize(
    "text",
    [
        "requirements.txt",
        "./deps",
        "../a b/r.in",
        "pylock.toml",
        "/x/ü 'q'.txt",
        "requirements.lock",
    ],
)
def test_a_path_is_a_file(text):
    assert read_deps(text) == read_deps(text)
    assert (read_deps(text).mode, read_deps(text).file) == ("file", text)


@pytest.mark.parametrize(
    ("text", "listed"),
    [
        ("pandas", ("pandas",)),
        ("pandas , polars,pandas", ("pandas", "polars")),
        ("pandas>=2,<3,polars", ("pandas<3,>=2", "polars")),
        ("dask[array, dataframe]==2026.1,x", ("dask[array,dataframe]==2026.1", "x")),
        (
            "a; python_version in '3.8,3.9',b",
            ('a; python_version in "3.8,3.9"', "b"),
        ),
        ("x (>=1,<2)", ("x<2,>=1",)),
        ("p @ git+https://example.org/a/p@v1", ("p@ git+https://example.org/a/p@v1",)),
        ("p @ git+ssh://git@example.org/a/p", ("p@ git+ssh://git@example.org/a/p",)),
    ],
)
def test_packages_are_divided_by_commas(text, listed):
    read = read_deps(text)

    assert read.mode == "list"
    assert tuple(t.replace(" @ ", "@ ") for t in read.listed) == listed


@pytest.mark.parametrize(
    "text",
    [
        "--index-url https://evil.example/simple",
        "--index-url=https://evil.example",
        "-r /etc/passwd",
        "-e .",
        "pandas --index-url https://evil.example",
        "pandas\n--index-url https://evil.example",
        'a; python_version == "3\n--index-url https://evil.example\n"',
        "a @ https://example.org/a.whl\n--index-url=https://evil.example",
        "a @ https://example.org/a.whl\u2028--index-url",
        "pandas\0",
        "pändas",
        "'pandas",
        "pandas==",
        "pandas; os_name = 'x'",
        "a @ file:///tmp/a.whl",
        "a @ ../a.whl",
        "./a.whl; x",
        "x" * 10_000,
        "a," * 9 + "=1",
    ],
    ids=repr,
)
def test_what_is_no_requirement_is_refused(text):
    with pytest.raises(InvalidOption) as caught:
        read_with([text])

    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    "url",
    [
        "https://bob:pa55word@x.example/a.whl",
        "git+https://pa55word@x.example/a",
        "git+ssh://b:pa55word@x/a",
    ],
)
@pytest.mark.parametrize("around", ["a @ {}", "{}", "a @ {} x y", "a @ {}\n"])
def test_a_password_in_an_address_is_refused_and_not_repeated(url, around):
    with pytest.raises(InvalidOption) as caught:
        checked(around.format(url), "--with")

    assert "pa55word" not in str(caught.value)


def test_an_empty_deps_is_refused():
    with pytest.raises(InvalidOption):
        read_deps(" , ")


def test_examples_in_docstrings_are_right():
    result = doctest.testmod(entries)

    assert (result.failed, result.attempted) == (0, 2)
