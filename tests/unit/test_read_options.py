"""`model.options.read_options`: from what people write to canonical values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_flotilla.errors import InvalidOption
from jupyter_flotilla.model.job import OnOom
from jupyter_flotilla.model.options import JobOptions, read_on_oom, read_options

#: Whatever JSON can carry and gives back as it was.
JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@pytest.mark.parametrize("empty", [None, (), [], {}], ids=repr)
def test_none_and_empty_mean_not_given(empty):
    options = read_options({"name": None, "params": empty, "files": empty, "cpu": None})

    assert options == JobOptions()


def test_unknown_option_is_answered_with_the_closest():
    with pytest.raises(InvalidOption, match="there is no option 'memmory'") as caught:
        read_options({"memmory": "16G"})

    assert caught.value.next_step == "did you mean memory?"


def test_option_that_resembles_none_is_answered_with_all():
    with pytest.raises(InvalidOption) as caught:
        read_options({"zzz": 1})

    assert "use one of cpu, memory, gpu" in caught.value.next_step


@pytest.mark.parametrize(
    ("keyword", "written", "field", "value"),
    [
        ("cpu", "0.5", "cpu", 0.5),
        ("cpu", 4, "cpu", 4.0),
        ("memory", "1.5G", "memory_mib", 1536),
        ("spot", True, "spot", True),
        ("spot", False, "spot", False),
        ("spot", "True", "spot", True),
        ("spot", "no", "spot", False),
        ("arch", "aarch64", "arch", "arm64"),
        ("arch", "AMD64", "arch", "x86_64"),
        ("disk", "1G", "disk_gib", 20),
        ("disk", "20G", "disk_gib", 20),
        ("disk", "20.5G", "disk_gib", 21),
        ("disk", "200G", "disk_gib", 200),
        ("timeout", "1h30m", "timeout_s", 5400),
        ("max_cost", "$2.50", "max_cost_usd", 2.5),
        ("max_cost", 3, "max_cost_usd", 3.0),
        ("retries", "2", "retries", 2),
        ("retries", 0, "retries", 0),
        ("on_oom", "fail", "on_oom", "fail"),
        ("on_oom", "double", "on_oom", "double"),
        ("on_oom", "double:64G", "on_oom", "double:64G"),
        ("name", "train.v2", "name", "train.v2"),
        ("engine", "process", "engine", "process"),
        ("files", "data/*.csv", "files", ("data/*.csv",)),
        ("files", ["a b.txt", "it's.txt"], "files", ("a b.txt", "it's.txt")),
    ],
)
def test_option_is_read_into_its_unit(keyword, written, field, value):
    options = read_options({keyword: written})

    assert getattr(options, field) == value


@pytest.mark.parametrize(
    ("keyword", "written"),
    [
        ("cpu", 0),
        ("cpu", -1),
        ("cpu", 1025),
        ("cpu", "nan"),
        ("cpu", "four"),
        ("cpu", "4 vCPU"),
        ("memory", 16),
        ("memory", "16"),
        ("spot", "perhaps"),
        ("spot", 2),
        ("arch", "riscv64"),
        ("disk", 50),
        ("disk", "50"),
        ("disk", "200.1G"),
        ("disk", "1T"),
        ("timeout", 90),
        ("timeout", "90"),
        ("max_cost", 0),
        ("max_cost", "free"),
        ("max_cost", float("nan")),
        ("retries", -1),
        ("retries", 101),
        ("retries", 1.5),
        ("retries", True),
        ("retries", "twice"),
        ("on_oom", "twice"),
        ("on_oom", "fail:1G"),
        ("on_oom", "double:"),
        ("on_oom", "double:64"),
        ("name", "a/b"),
        ("files", ""),
        ("files", "a\0b"),
    ],
)
def test_wrong_value_is_refused(keyword, written):
    with pytest.raises(InvalidOption):
        read_options({keyword: written})


@pytest.mark.parametrize("keyword", ["cpu", "memory", "timeout", "max_cost", "retries", "on_oom"])
@pytest.mark.parametrize("written", ["9" * 5000, 10**5000], ids=["text", "integer"])
def test_a_number_of_more_digits_than_python_reads_is_refused(keyword, written):
    with pytest.raises(InvalidOption):
        read_options({keyword: written})


@pytest.mark.parametrize(
    ("text", "on_oom"),
    [("fail", None), ("double", OnOom()), ("double:1.5G", OnOom(cap_mib=1536))],
)
def test_on_oom_says_whether_to_double_and_up_to_what(text, on_oom):
    assert read_on_oom(text) == on_oom


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("x=0.1", 0.1),
        ("x=true", True),
        ("x=null", None),
        ('x=["a", {"b": 1}]', ["a", {"b": 1}]),
        ("x=plain text", "plain text"),
        ("x=True", "True"),
        ("x=", ""),
        ("x=a=b", "a=b"),
        ("x='1'", "'1'"),
        ('x="1"', "1"),
        ("x:=True", True),
        ("x:=(1, 2)", [1, 2]),
        ("x:='1'", "1"),
        ("x=漢\n'\"", "漢\n'\""),
    ],
)
def test_parameter_is_json_else_text_and_a_literal_after_colon(text, value):
    assert read_options({"params": (text,)}).params == {"x": value}


@given(params=st.dictionaries(st.text(), JSON_VALUES))
def test_parameters_from_python_stay_what_json_can_carry(params):
    assert read_options({"params": params}).params == params


@pytest.mark.parametrize(
    "params",
    [
        pytest.param(("x",), id="no value"),
        pytest.param(("x:=open('f')",), id="a call"),
        pytest.param(("x:=(",), id="half a literal"),
        pytest.param(("x:={1, 2}",), id="a set"),
        pytest.param({"x": object()}, id="an object"),
        pytest.param({"x": b"bytes"}, id="bytes"),
        pytest.param({"x": {(1, 2): 3}}, id="a tuple as a key"),
    ],
)
def test_parameter_that_json_cannot_carry_is_refused(params):
    with pytest.raises(InvalidOption):
        read_options({"params": params})


def test_the_last_of_equal_parameters_counts():
    assert read_options({"params": ("x=1", "x=2")}).params == {"x": 2}


@pytest.mark.parametrize(
    ("env", "read"),
    [
        pytest.param(["A=1", "B=x=y"], {"A": "1", "B": "x=y"}, id="values"),
        pytest.param(["A"], {"A": None}, id="name alone"),
        pytest.param(["A="], {"A": ""}, id="empty value"),
        pytest.param("A=one text", {"A": "one text"}, id="one text"),
        pytest.param({"A": 1, "B": None}, {"A": "1", "B": None}, id="mapping"),
    ],
)
def test_environment_is_read_from_texts_and_mappings(env, read):
    assert read_options({"env": env}).env == read


@pytest.mark.parametrize("name", ["", "1A", "A B", "A-B", "Ä", "A\n", "A\0"], ids=repr)
@pytest.mark.parametrize("keyword", ["env", "secrets"])
def test_name_that_no_environment_has_is_refused(keyword, name):
    with pytest.raises(InvalidOption, match="is not a name for an environment variable"):
        read_options({keyword: {name: "file:/x"}})


@pytest.mark.parametrize(
    "name", ["AWS_SECRET_ACCESS_KEY", "github_token", "DB_PASSWORD", "PGPASSWD", "Credentials"]
)
def test_what_looks_like_a_secret_is_refused_in_the_clear(name):
    with pytest.raises(InvalidOption, match="stored in clear") as caught:
        read_options({"env": {name: "hunter2"}})

    assert f"--secret {name}" in caught.value.next_step
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("value", ["a\0b", "x" * 32_769], ids=["NUL", "too long"])
def test_value_that_no_environment_can_carry_is_refused(value):
    with pytest.raises(InvalidOption, match="NUL character or more than"):
        read_options({"env": {"A": value}})


@pytest.mark.parametrize(
    ("secret", "source"),
    [
        ("TOKEN", "keyring:flotilla/TOKEN"),
        ("TOKEN=", "keyring:flotilla/TOKEN"),
        ("TOKEN=keyring:github", "keyring:github/TOKEN"),
        ("TOKEN=keyring:github/ana", "keyring:github/ana"),
        ("TOKEN=file:/run/a b=c", "file:/run/a b=c"),
        ("TOKEN=ssm:/flotilla/TOKEN", "ssm:/flotilla/TOKEN"),
        ("TOKEN=sm:prod/db:password", "sm:prod/db:password"),
    ],
)
def test_secret_says_where_its_value_is_read(secret, source):
    assert read_options({"secrets": [secret]}).secrets == {"TOKEN": source}


@pytest.mark.parametrize(
    "value", ["hunter2", "ftp:hunter2", "file:", "keyring:", ":hunter2", "sm:hunter2!"]
)
def test_the_value_of_a_secret_is_refused_and_not_repeated(value):
    with pytest.raises(InvalidOption) as caught:
        read_options({"secrets": [f"TOKEN={value}"]})

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("tags", "read"),
    [
        (["team=forecast", "urgent"], {"team": "forecast", "urgent": ""}),
        ({"team": "été & <b>"}, {"team": "été & <b>"}),
        (["a=b=c"], {"a": "b=c"}),
    ],
)
def test_tags_are_read_from_texts_and_mappings(tags, read):
    assert read_options({"tags": tags}).tags == read


@pytest.mark.parametrize(
    "tags",
    [{"": "x"}, {"k" * 129: ""}, {"k": "v" * 257}, {"k": "a\nb"}, {"a\x1b[31m": ""}],
    ids=["no key", "long key", "long value", "line break", "colour"],
)
def test_tag_that_would_break_a_screen_is_refused(tags):
    with pytest.raises(InvalidOption, match="--tag"):
        read_options({"tags": tags})
