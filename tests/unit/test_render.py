"""`render`: the words on every screen."""

from datetime import timedelta
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.lib.pretty import pretty

from jupyter_flotilla import render, run_card
from jupyter_flotilla.model.cost import Cost
from jupyter_flotilla.model.observation import FailureKind, Phase, Progress, Usage
from jupyter_flotilla.model.resources import Resources
from jupyter_flotilla.model.run import RunStatus
from jupyter_flotilla.protocol import record_text

NOTHING = Cost(usd=None, ceiling_usd=None, rate=None, is_billed=False)
HOSTILE = "<script>alert('é')</script>\n\x1b[31m&amp;"
NUMBERS = st.none() | st.floats() | st.integers(-5, 5).map(float)
PROGRESS = st.builds(
    Progress,
    cell=st.none() | st.integers(0, 200),
    cells=st.none() | st.integers(0, 200),
    done=NUMBERS,
    total=NUMBERS,
    message=st.text(),
)


@pytest.fixture
def running(make_run, make_attempt, now):
    """Return a run that has run for 151 seconds, with its attempt."""
    spec = {"resources": Resources(cpu=2, memory_mib=4096)}
    run = make_run(spec=spec, status=RunStatus.RUNNING, attempt=1, started_at=now)
    usage = Usage(memory_mib=1536, peak_memory_mib=2048, cpu_s=1, cpu_percent=371.4)
    attempt = make_attempt(
        phase=Phase.RUNNING,
        usage=usage,
        progress=Progress(cell=2, cells=12),
        resources=run.spec.resources,
    )
    return run, attempt


@pytest.fixture
def failed(running, now):
    """Return the same run after its cell 3 failed."""
    run, attempt = running
    run = run.advance(
        RunStatus.FAILED, now, failure_kind=FailureKind.USER_ERROR, message=f"Cell 3: {HOSTILE}"
    )
    end = {"ended_at": now, "duration_s": 151.0, "exit_code": 1, "failed_cell": 2, "phase": None}
    return run, attempt.model_copy(update=end)


def later(now):
    return now + timedelta(seconds=151)


@pytest.mark.parametrize("status", RunStatus)
def test_every_status_has_a_glyph_of_its_own(status):
    assert list(render.GLYPHS.values()).count(render.GLYPHS[status]) == 1


@pytest.mark.parametrize(
    ("progress", "text"),
    [
        pytest.param(None, "", id="unknown"),
        pytest.param(Progress(), "", id="silent"),
        pytest.param(Progress(cell=0, cells=2), "cell 1 of 2 ░░░░░░░░░░ 0%", id="first cell"),
        pytest.param(Progress(cell=3, cells=12), "cell 4 of 12 ██░░░░░░░░ 25%", id="cells"),
        pytest.param(Progress(done=3, total=4), "████████░░ 75%", id="own word"),
        pytest.param(
            Progress(cell=0, cells=2, done=1, total=2), "cell 1 of 2 █████░░░░░ 50%", id="both"
        ),
        pytest.param(Progress(done=1e6, message="rows"), "1e+06 (rows)", id="no total"),
        pytest.param(Progress(done=7, total=5), "██████████ 100%", id="too much"),
        pytest.param(Progress(done=-1, total=5), "░░░░░░░░░░ 0%", id="negative"),
        pytest.param(Progress(done=2, total=0), "2", id="total of nothing"),
    ],
)
def test_progress_is_shown(progress, text):
    assert render.progress_text(progress) == text


@given(PROGRESS)
def test_progress_of_any_kind_is_one_short_printable_line(progress):
    text = render.progress_text(progress)

    assert text.isprintable()
    assert len(text) < 120


def test_status_line_of_a_running_job(running, make_rate, now):
    cost = Cost(usd=0.0151, ceiling_usd=None, rate=make_rate(), is_billed=False)

    line = " · ".join(render.status_lines(*running, cost, later(now), "r01"))

    assert line == (
        "● RUNNING r01 · 2m31s · cell 3 of 12 ██░░░░░░░░ 17% · mem 1.5 G of 4 G · cpu 371% · "
        "$0.00 here · would be ≈ $0.015 on Fargate"
    )


def test_status_line_of_a_queued_job_says_no_cost(make_run, now):
    line = " · ".join(render.status_lines(make_run(), None, NOTHING, later(now), "r01"))

    assert line == "◷ QUEUED r01 · 2m31s"


def test_status_line_of_a_pending_job_says_its_phase(make_run, make_attempt, now):
    run = make_run(status=RunStatus.PENDING)

    attempt = make_attempt(phase=Phase.PULLING)
    line = " · ".join(render.status_lines(run, attempt, NOTHING, now, "r01"))

    assert line.startswith("◌ PENDING r01 (pulling) · 0s")


def test_clock_that_went_back_shows_no_negative_time(make_run, now):
    lines = render.status_lines(make_run(), None, NOTHING, now - timedelta(hours=1), "r01")
    line = " · ".join(lines)

    assert line == "◷ QUEUED r01 · 0s"


def test_end_line_says_why_how_long_and_how_much(failed, make_rate):
    cost = Cost(usd=0.0151, ceiling_usd=None, rate=make_rate(is_hypothetical=False), is_billed=True)

    line = render.end_line(*failed, cost, "r01")

    assert line == "✖ FAILED r01 (user-error) · 2m31s · peak 2 G of 4 G · $0.015"


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (0.123, " · you paid 12 % for the image pull"),
        (0.1, " · you paid 10 % for the image pull"),
        (0.099, ""),
        (None, ""),
    ],
)
def test_end_line_says_how_much_of_a_bill_was_the_image_where_that_is_much(
    failed, make_rate, share, said
):
    run, attempt = failed
    cost = Cost(usd=0.0151, ceiling_usd=None, rate=make_rate(is_hypothetical=False), is_billed=True)

    line = render.end_line(run, attempt.model_copy(update={"pull_share": share}), cost, "r01")

    assert line.endswith(f"$0.015{said}")


def test_end_line_of_what_never_ran(make_run, now):
    run = make_run().advance(RunStatus.CANCELLED, now)

    assert render.end_line(run, None, NOTHING, "r01") == "■ CANCELLED r01 · price unknown"


def test_explanation_gives_cause_evidence_and_where_the_rest_is(failed):
    run, attempt = failed
    spec = run.spec.model_copy(update={"kind": "notebook"})
    run = run.model_copy(update={"message": "Cell 3 failed", "spec": spec})

    assert render.explanation(run, attempt, ["a", "ValueError: é"], "r01").splitlines() == [
        "r01 train FAILED (user-error): Cell 3 failed",
        "  Evidence: exit code 1, in cell 3, peak memory 2 G of 4 G, after 2m31s",
        "  Last lines:",
        "    a",
        "    ValueError: é",
        "  All of it: jupyter flotilla logs r01",
    ]


def test_there_is_nothing_to_explain_before_the_end(running):
    assert "nothing to explain yet" in render.explanation(*running, [], "r01")


def test_there_is_nothing_to_explain_of_a_success(make_run, now):
    run = make_run(status=RunStatus.RUNNING).advance(RunStatus.SUCCEEDED, now)

    assert render.explanation(run, None, [], "r01") == "r01 train succeeded."


@pytest.mark.parametrize(
    ("record", "text"),
    [
        ({"kind": "stdout", "text": "a\n"}, "a\n"),
        ({"kind": "stderr", "text": "é"}, "é"),
        ({"kind": "result", "data": {"text/plain": "2"}}, "2\n"),
        ({"kind": "display", "data": {"text/plain": ["a\n", "b"]}}, "a\nb\n"),
        ({"kind": "error", "ename": "E", "evalue": "x", "traceback": ["l1", "l2"]}, "l1\nl2\n"),
        ({"kind": "error", "ename": "E", "evalue": "x", "traceback": []}, "E: x\n"),
        ({"kind": "cell", "total": 3}, ""),
        ({"kind": "progress", "done": 1}, ""),
        ({"kind": "invented-later"}, ""),
    ],
    ids=str,
)
def test_record_is_shown_as_a_log_shows_it(record, text):
    assert record_text(record) == text


def test_explanation_is_readable_as_the_value_of_a_cell(failed):
    text = render.explanation(*failed, ["a"], "r01")

    assert repr(text) == str(text)
    assert pretty(text) == str(text)


def test_explanation_lets_no_control_sequence_of_a_message_through(failed):
    run, attempt = failed
    run = run.model_copy(update={"message": "\x1b[2Jgone\x1b]0;title\x07 é"})

    assert render.explanation(run, attempt, [], "r01").splitlines()[0].endswith(": gone é")


def test_long_message_is_cut_wherever_it_is_shown(failed):
    run, attempt = failed
    run = run.model_copy(update={"message": "é" * 100_000})

    text = render.explanation(run, attempt, ["x" * 100_000, "end"], "r01")

    assert f"{'é' * 2000}…\n" in text
    assert f"    {'x' * 2000}…\n    end\n" in text
    assert len(text) < 5_000


@pytest.mark.parametrize(
    ("text", "line"),
    [("", ""), ("abcd", "abcd"), ("abcde", "abc…"), ("a\nb\x1b", "a b "), ("a" * 10**6, "aaa…")],
    ids=["empty", "fits", "long", "unprintable", "huge"],
)
def test_text_on_one_line_says_that_it_is_shortened(text, line):
    assert render.one_line(text, 4) == line


def elements(markup):
    """Return the tags of some HTML, in order."""
    tags = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attrs: tags.append((tag, attrs))
    parser.feed(markup)
    parser.close()
    return tags


def test_html_of_a_failed_run_lets_no_markup_through(failed):
    run, attempt = failed
    run = run.model_copy(update={"spec": run.spec.model_copy(update={"name": HOSTILE})})

    markup = run_card.bundle(run, [render.end_line(run, attempt, NOTHING, HOSTILE)])["text/html"]

    assert [tag for tag, _ in elements(markup)] == ["pre"]


def test_html_of_a_running_run_lets_no_markup_through(running, now):
    run, attempt = running
    attempt = attempt.model_copy(update={"progress": Progress(done=1, message=HOSTILE)})

    lines = render.status_lines(run, attempt, NOTHING, now, "r01")
    markup = run_card.bundle(run, lines)["text/html"]

    assert [tag for tag, _ in elements(markup)] == ["pre"]
    assert "&lt;script&gt;" in markup
