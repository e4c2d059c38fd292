"""`model.job`: names, and what a job cannot do without."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from jupyter_flotilla.errors import InvalidOption
from jupyter_flotilla.model.job import JobSpec, Kernel, SecretRef, check_name, slug

KERNEL = Kernel(name="python3", language="python", argv=("python", "-f", "{connection_file}"))
#: What a job may be made of: everything but halves of UTF-16 pairs.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@pytest.mark.parametrize("name", ["a", "9", "A.b_c-d", "x" * 100, "train.v2-"], ids=len)
def test_legal_name_is_returned_as_it_is(name):
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("", id="empty"),
        pytest.param(".hidden", id="hidden file"),
        pytest.param("..", id="parent folder"),
        pytest.param("-rf", id="flag"),
        pytest.param("a/b", id="path"),
        pytest.param("a b", id="space"),
        pytest.param("a\n", id="line break at the end"),
        pytest.param("a'b", id="quote"),
        pytest.param("<b>", id="HTML"),
        pytest.param("Überblick", id="non-ASCII letter"),
        pytest.param("١", id="non-ASCII digit"),
        pytest.param("a\0b", id="NUL"),
        pytest.param("x" * 101, id="too long"),
    ],
)
def test_other_names_are_refused(name):
    with pytest.raises(InvalidOption, match="--name"):
        check_name(name)


def test_refused_name_is_answered_with_one_that_would_do():
    with pytest.raises(InvalidOption) as caught:
        check_name("Überblick <2026>")

    assert caught.value.next_step == "--name Uberblick-2026"


def test_an_endless_name_is_not_repeated_whole():
    with pytest.raises(InvalidOption) as caught:
        check_name("é" * 100_000)

    assert len(str(caught.value)) < 400


@given(st.text(max_size=450))
def test_slug_of_any_text_is_a_legal_name(text):
    assert check_name(slug(text))


@given(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,98}[A-Za-z0-9._]", fullmatch=True))
def test_slug_leaves_a_legal_name_alone(name):
    assert slug(name) == name


@pytest.mark.parametrize("text", ["", "漢字", "...", "\0", "'''"])
def test_slug_of_what_has_no_letters_is_the_fallback(text):
    assert slug(text, "cell") == "cell"


def test_a_command_needs_its_program(make_spec):
    with pytest.raises(ValidationError, match="at least its program"):
        make_spec(kind="command", command=())


@pytest.mark.parametrize("kind", ["notebook", "cell"])
@pytest.mark.parametrize(
    "parts",
    [
        pytest.param({"kernel": KERNEL}, id="no source"),
        pytest.param({"source": "source.ipynb"}, id="no kernel"),
    ],
)
def test_what_runs_in_a_kernel_needs_source_and_kernel(make_spec, kind, parts):
    with pytest.raises(ValidationError, match=f"a {kind} needs a source and a kernel"):
        make_spec(kind=kind, command=(), **parts)


def test_spec_refuses_an_unknown_kind(make_spec):
    with pytest.raises(ValidationError, match="kind"):
        make_spec(kind="script")


@given(
    params=st.dictionaries(TEXT, st.one_of(TEXT, st.integers(), st.booleans(), st.none())),
    env=st.dictionaries(TEXT, TEXT),
    command=st.lists(TEXT, min_size=1),
    cwd=TEXT,
)
def test_spec_survives_json(make_spec, params, env, command, cwd):
    spec = make_spec(
        kind="notebook",
        source="source.ipynb",
        kernel=KERNEL,
        params=params,
        env=env,
        command=tuple(command),
        cwd=cwd,
        secrets=(SecretRef(name="TOKEN", source="file:/a b/'c'"),),
    )

    assert JobSpec.model_validate_json(spec.model_dump_json()) == spec
