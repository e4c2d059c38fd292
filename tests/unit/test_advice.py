"""`model.advice`: what the user can do about a failure."""

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_flotilla.commands import options
from jupyter_flotilla.commands.retry import retry
from jupyter_flotilla.model.advice import QUOTA_URL, next_step
from jupyter_flotilla.model.job import OnOom
from jupyter_flotilla.model.observation import FailureKind
from jupyter_flotilla.model.options import JobOptions, read_options
from jupyter_flotilla.model.resources import Resources, next_legal
from jupyter_flotilla.model.units import parse_duration, parse_money, parse_size

K = FailureKind
RUN_ID = "r0123456789ab"
RETRY = f"jupyter flotilla retry {RUN_ID}"
NOTEBOOK = "/home/ana/my 'project'/é.ipynb"
#: kind → what is said of a job that has every limit, and a notebook whose cell 3 was the last.
STEPS = {
    K.USER_ERROR: f"mend cell 3 of {NOTEBOOK}, then run it again",
    K.OUT_OF_MEMORY: f"{RETRY} --memory 32G; or --on-oom double does so by itself",
    K.TIMEOUT: f"{RETRY} --timeout 3h",
    K.COST_CAP: f"{RETRY} --max-cost 5",
    K.LOST: RETRY,
    K.INFRASTRUCTURE: RETRY,
    K.SPOT_RECLAIMED: RETRY,
    K.IMAGE: f"{RETRY} --image NAME:TAG, one that exists and has Python 3.8 or later in it",
    K.ENVIRONMENT: None,
    K.QUOTA: f"{RETRY} once others have ended, or ask AWS for more vCPU: {QUOTA_URL}",
}
#: kind → the options of the command that is offered.
OFFERED = {
    K.OUT_OF_MEMORY: JobOptions(memory_mib=32 * 1024),
    K.TIMEOUT: JobOptions(timeout_s=3 * 3600),
    K.COST_CAP: JobOptions(max_cost_usd=5.0),
    K.LOST: JobOptions(),
    K.INFRASTRUCTURE: JobOptions(),
    K.SPOT_RECLAIMED: JobOptions(),
}
#: Beside any: those whose double is just, or just not, a whole number of a larger unit.
MEMORIES_MIB = st.integers(1, 2**39) | st.integers(1, 2**31).map(lambda n: n * 256)
TIMEOUTS_S = st.integers(1, 5 * 366 * 86400) | st.integers(1, 175_680).map(lambda n: n * 900)


def no_price(resources):
    return None


def not_asked(resources):
    raise AssertionError("asked for a price")


@pytest.fixture
def spec(make_spec):
    """Return a job with every limit."""
    return make_spec(
        path=NOTEBOOK,
        resources=Resources(cpu=2, memory_mib=16 * 1024),
        timeout_s=5400,
        max_cost_usd=2.5,
    )


@pytest.fixture(scope="session")
def make_failed(make_attempt, now):
    """Return a factory of attempts that have failed."""

    def make(kind, memory_mib=16 * 1024, **fields):
        resources = Resources(cpu=2, memory_mib=memory_mib)
        return make_attempt(failure_kind=kind, resources=resources, ended_at=now, **fields)

    return make


def pasted(step):
    """Return the run and the options that the command line reads from a step."""
    command = step.partition(" (")[0].partition(";")[0]
    jupyter, flotilla, verb, *words = shlex.split(command)
    assert (jupyter, flotilla, verb) == ("jupyter", "flotilla", retry.name)
    keywords = retry.make_context("retry", words).params
    return keywords["run_id"], read_options(options.given(keywords))


def suggested(step, flag):
    """Return the value that a step gives to a flag of the retry."""
    assert step.startswith(f"{RETRY} {flag} ")
    return step.removeprefix(f"{RETRY} {flag} ").split()[0].rstrip(";")


def test_every_failure_kind_is_thought_of():
    assert set(STEPS) == set(FailureKind)


@pytest.mark.parametrize("kind", FailureKind)
def test_each_failure_is_answered_with_its_own_step(spec, make_failed, kind):
    attempt = make_failed(kind, failed_cell=2, message="It failed.")

    assert next_step(spec, attempt, no_price) == STEPS[kind]


@pytest.mark.parametrize("kind", OFFERED)
def test_offered_command_is_one_that_the_command_line_reads(spec, make_failed, make_rate, kind):
    step = next_step(spec, make_failed(kind), lambda size: make_rate())

    assert pasted(step) == (RUN_ID, OFFERED[kind])


def test_success_needs_no_step(spec, make_failed):
    assert next_step(spec, make_failed(None), not_asked) is None


@pytest.mark.parametrize("kind", sorted(set(FailureKind) - {K.OUT_OF_MEMORY}))
def test_only_more_memory_is_priced(spec, make_failed, kind):
    assert next_step(spec, make_failed(kind, failed_cell=2), not_asked) == STEPS[kind]


@given(memory_mib=MEMORIES_MIB, on_oom=st.none() | st.builds(OnOom), has_price=st.booleans())
def test_next_step_doubles_the_memory_exactly(
    make_spec, make_failed, make_rate, memory_mib, on_oom, has_price
):
    spec = make_spec(resources=Resources(memory_mib=memory_mib), on_oom=on_oom)
    attempt = make_failed(K.OUT_OF_MEMORY, memory_mib)

    step = next_step(spec, attempt, lambda size: make_rate() if has_price else None)

    assert parse_size(suggested(step, "--memory")) == 2 * memory_mib


@given(timeout_s=TIMEOUTS_S)
def test_next_step_doubles_the_timeout_exactly(make_spec, make_failed, timeout_s):
    step = next_step(make_spec(timeout_s=timeout_s), make_failed(K.TIMEOUT), not_asked)

    assert step == f"{RETRY} --timeout {suggested(step, '--timeout')}"
    assert parse_duration(suggested(step, "--timeout")) == 2 * timeout_s


@given(max_cost_usd=st.floats(0.0001, 1e8))
def test_next_step_doubles_the_cost_cap(make_spec, make_failed, max_cost_usd):
    step = next_step(make_spec(max_cost_usd=max_cost_usd), make_failed(K.COST_CAP), not_asked)

    assert step == f"{RETRY} --max-cost {suggested(step, '--max-cost')}"
    assert parse_money(suggested(step, "--max-cost")) == pytest.approx(2 * max_cost_usd, rel=1e-5)


@given(asked_mib=st.integers(1, 2**30), got_mib=st.integers(1, 2**30))
def test_memory_that_is_doubled_is_what_the_attempt_got(make_spec, make_failed, asked_mib, got_mib):
    spec = make_spec(resources=Resources(memory_mib=asked_mib), on_oom=OnOom())

    step = next_step(spec, make_failed(K.OUT_OF_MEMORY, got_mib), no_price)

    assert parse_size(suggested(step, "--memory")) == 2 * got_mib


def test_more_memory_comes_with_the_price_of_the_larger_size(spec, make_failed, make_rate):
    prices = {Resources(cpu=2, memory_mib=32 * 1024): make_rate(usd_per_h=0.72)}

    step = next_step(spec, make_failed(K.OUT_OF_MEMORY), prices.__getitem__)

    assert step == (f"{RETRY} --memory 32G (≈ $0.72 an hour); or --on-oom double does so by itself")


def test_doubling_that_was_asked_for_is_not_offered_again(spec, make_failed):
    doubling = spec.model_copy(update={"on_oom": OnOom(cap_mib=16 * 1024)})

    step = next_step(doubling, make_failed(K.OUT_OF_MEMORY), no_price)

    assert step == f"{RETRY} --memory 32G"


def test_memory_without_a_limit_is_not_doubled(spec, make_failed):
    step = next_step(spec, make_failed(K.OUT_OF_MEMORY, None), not_asked)

    assert step == f"{RETRY} --memory SIZE, or a machine with more memory"


@pytest.mark.parametrize("kind", [K.TIMEOUT, K.COST_CAP])
def test_limit_that_the_job_does_not_have_is_not_doubled(make_spec, make_failed, kind):
    assert next_step(make_spec(), make_failed(kind), not_asked) is None


@pytest.mark.parametrize(
    ("path", "failed_cell", "step"),
    [
        pytest.param(NOTEBOOK, 0, f"mend cell 1 of {NOTEBOOK}, then run it again", id="cell"),
        pytest.param(NOTEBOOK, None, f"mend {NOTEBOOK}, then run it again", id="no cell"),
        pytest.param(None, None, None, id="command"),
        pytest.param(None, 0, None, id="source without a file"),
    ],
)
def test_error_of_the_job_is_to_be_mended_where_it_is(
    make_spec, make_failed, path, failed_cell, step
):
    attempt = make_failed(K.USER_ERROR, failed_cell=failed_cell, message="Cell 1 failed: é")

    assert next_step(make_spec(path=path), attempt, not_asked) == step


@pytest.mark.parametrize("path", [NOTEBOOK, None], ids=["notebook", "source"])
@pytest.mark.parametrize(
    ("missing", "installed"), [("s3fs", "s3fs"), ("sklearn.svm", "sklearn"), ("été", "été")]
)
def test_missing_module_is_to_be_installed_into_the_jobs_python(
    make_spec, make_failed, path, missing, installed
):
    message = f"Cell 3 failed: ModuleNotFoundError: No module named '{missing}'"

    step = next_step(
        make_spec(path=path), make_failed(K.USER_ERROR, failed_cell=2, message=message), not_asked
    )

    assert step == (
        f"/usr/bin/python3 -m pip install {installed}; if {missing} is yours, "
        "keep it beside the notebook or add it with --files"
    )


@pytest.mark.parametrize("kind", sorted(set(FailureKind) - {K.USER_ERROR}))
def test_missing_module_is_told_only_of_the_jobs_own_errors(spec, make_failed, kind):
    attempt = make_failed(kind, message="No module named 's3fs'")

    assert next_step(spec, attempt, no_price) == STEPS[kind]


def test_in_an_image_a_missing_package_comes_along_with_the_retry(make_spec, make_failed):
    attempt = make_failed(
        K.USER_ERROR, message="Cell 1 failed: ModuleNotFoundError: No module named 's3fs.core'"
    )

    step = next_step(make_spec(image="python:3.12-slim"), attempt, not_asked)

    assert step.startswith(f"{RETRY} --with s3fs; if s3fs.core is yours")


@pytest.mark.parametrize("fields", [{"image": "python:3.12-slim"}, {"own_cwd": True}], ids=str)
def test_a_file_that_did_not_travel_is_named(make_spec, make_failed, fields):
    message = "FileNotFoundError: [Errno 2] No such file or directory: 'data/my-file.csv'"

    step = next_step(make_spec(**fields), make_failed(K.USER_ERROR, message=message), not_asked)

    assert step.startswith("--files data/my-file.csv: ")


def test_a_file_of_nobodys_folder_is_not_named(make_spec, make_failed):
    message = "FileNotFoundError: [Errno 2] No such file or directory: '/etc/$(rm -rf)'"
    spec = make_spec(image="python:3.12-slim")

    step = next_step(spec, make_failed(K.USER_ERROR, message=message), not_asked)

    assert step is None or "--files" not in step


def test_after_spot_was_taken_back_on_demand_is_offered_with_its_price(
    make_spec, make_attempt, make_rate
):
    resources = Resources(cpu=2, memory_mib=8192, spot=True)
    attempt = make_attempt(failure_kind=K.SPOT_RECLAIMED, resources=resources)
    prices = {Resources(cpu=2, memory_mib=8192): make_rate(usd_per_h=0.12)}

    step = next_step(make_spec(resources=resources), attempt, prices.__getitem__)

    assert step == f"{RETRY} --no-spot (≈ $0.12 an hour)"
    assert pasted(step) == (RUN_ID, JobOptions(spot=False))


def test_quota_is_asked_for_where_aws_takes_the_request():
    assert QUOTA_URL == (
        "https://console.aws.amazon.com/servicequotas/home/services/fargate/quotas/L-3032A538"
    )


@pytest.mark.parametrize("kind", FailureKind)
def test_what_the_engine_says_to_do_counts_before_all(spec, make_failed, kind):
    attempt = make_failed(kind, next_step="have ecs:RunTask allowed")

    assert next_step(spec, attempt, not_asked) == "have ecs:RunTask allowed"


def test_more_memory_is_the_next_legal_size_where_sizes_are(spec, make_failed):
    step = next_step(spec, make_failed(K.OUT_OF_MEMORY), no_price, next_legal)

    assert step == f"{RETRY} --memory 30G; or --on-oom double does so by itself"


def test_where_there_is_no_larger_size_that_is_said(spec, make_failed):
    attempt = make_failed(K.OUT_OF_MEMORY, 244 * 1024)

    step = next_step(spec, attempt, not_asked, next_legal)

    assert step == "let it do less at a time: there is no size above 244 G"
