"""Runs and costs as text and as escaped HTML. The words on every screen come from here."""

import html
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jupyter_flotilla.model.attempt import Attempt
from jupyter_flotilla.model.cost import Cost, Rate
from jupyter_flotilla.model.guard import Expectation
from jupyter_flotilla.model.job import JobSpec
from jupyter_flotilla.model.observation import Phase, Progress
from jupyter_flotilla.model.resources import Resources
from jupyter_flotilla.model.run import Run, RunStatus
from jupyter_flotilla.model.text import plain, printable
from jupyter_flotilla.model.units import format_duration, format_money, format_size
from jupyter_flotilla.planning import GridPlan, Plan

#: A glyph, always beside its word.
GLYPHS = {
    RunStatus.QUEUED: "◷",
    RunStatus.PENDING: "◌",
    RunStatus.RUNNING: "●",
    RunStatus.SUCCEEDED: "✔",
    RunStatus.FAILED: "✖",
    RunStatus.CANCELLED: "■",
}

_BAR_CELLS = 10
#: Below this share of what is billed, the pull of an image is not worth a word.
_PULL_SHARE = 0.1
#: Characters of a message, or of a line of output, that are shown: some are a whole data frame.
_LONGEST = 2_000


class Words(str):
    """Text that is shown as it is, also as the value of a notebook's cell."""

    def __repr__(self) -> str:
        return str(self)


@dataclass(frozen=True, kw_only=True, slots=True)
class Queue:
    """What a queued run waits behind."""

    #: Runs that come before it.
    before: int
    #: Runs that go on now, and how many may; None: not counted.
    running: int | None
    limit: int

    @property
    def text(self) -> str:
        """``2 of 2 running, 1 before you``; nothing where it is its turn."""
        if not self.before and (self.running is None or self.running < self.limit):
            return ""
        running = "" if self.running is None else f"{self.running} of {self.limit} running, "
        return running + (f"{self.before} before you" if self.before else "you are next")


def launch_lines(plan: Plan) -> list[str]:
    """Return what is said before a launch: what, where, how large, for how much."""
    lines = job_lines(plan.draft.spec, plan.rate, plan.ceiling_usd)
    if plan.expected is not None:
        lines.append(f"  {_expected_text(plan.expected)}")
    return lines + [f"  note: {note}" for note in plan.notes]


def job_lines(spec: JobSpec, rate: Rate | None, ceiling_usd: float | None) -> list[str]:
    """Return a job on two lines: what, where and how large; for how much."""
    size = [f"{spec.resources.cpu:g} vCPU"]
    size.append("memory " + (format_size(m) if (m := spec.resources.memory_mib) else "unlimited"))
    if spec.resources.gpu:
        size.append(f"{spec.resources.gpu} GPU")
    size.append("timeout " + (format_duration(t) if (t := spec.timeout_s) else "none"))
    return [
        f"flotilla ▸ {spec.name}  {spec.engine} on {spec.place}  {'  '.join(size)}",
        f"  {price_line(rate, ceiling_usd)}",
    ]


def _expected_text(expected: Expectation) -> str:
    text = (
        f"expected {format_duration(expected.duration_p50_s)}, nine of ten within "
        f"{format_duration(expected.duration_p90_s)}"
    )
    if expected.cost_p50_usd is not None and expected.cost_p90_usd is not None:
        low, high = format_money(expected.cost_p50_usd), format_money(expected.cost_p90_usd)
        text += f" (≈ {low}" + (f" to {high})" if high != low else ")")
    return f"{text}, by {expected.runs} earlier runs"


def grid_lines(plan: GridPlan) -> list[str]:
    """Return what is said before the launch of a grid: how many runs, and all of them together."""
    spec, limits = plan.draft.spec, plan.options
    first = launch_lines(plan)
    together = (
        "no ceiling without --timeout"
        if plan.ceiling_usd is None
        else f"at most {format_money(plan.ceiling_usd)} together"
    )
    each = price_line(plan.rate, None).partition(",")[0]
    runs = f"{plan.size} runs of {spec.name}, at most {plan.parallel} at a time"
    lines = [first[0], f"  {runs} · {together}", f"  each: {each}"]
    if plan.expected is not None:
        lines.append(f"  each {_expected_text(plan.expected)}")
    budget, all_usd = limits.budget_usd, plan.all_ceilings_usd
    if budget is not None and all_usd is not None and all_usd > budget:
        lines.append(
            f"  note: all could cost {format_money(all_usd)}; what the budget of "
            f"{format_money(budget)} does not buy is not launched"
        )
    return lines + [f"  note: {note}" for note in plan.notes]


def counts_text(counts: Mapping[str, int], total: int) -> str:
    """Return how many runs there are of each status: ``5 of 8 final · 2 RUNNING``."""
    final = sum(counts.get(status, 0) for status in RunStatus if status.is_final)
    parts = [f"{count} {status}" for status, count in counts.items()]
    return " · ".join([f"{final} of {total} final", *parts])


def params_text(params: Mapping[str, Any]) -> str:
    """Return parameters on one line: ``lr=0.1 depth=3``."""
    return one_line(" ".join(f"{name}={value}" for name, value in params.items()), 200)


def table_html(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows as an escaped HTML table; columns are all their keys, in order."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    head = "".join(f"<th>{html.escape(str(column))}</th>" for column in columns)
    body = "".join(
        "<tr>"
        + "".join(f"<td>{html.escape(cell_text(row.get(c)))}</td>" for c in columns)
        + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def cell_text(value: Any) -> str:
    """Return a value as a table shows it."""
    return "" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)


def price_line(rate: Rate | None, ceiling: float | None) -> str:
    """Return what a job costs an hour and at most."""
    if rate is None:
        return "price unknown"
    at_most = (
        f", at most {format_money(ceiling)}"
        if ceiling is not None
        else ", no ceiling without --timeout"
    )
    if rate.is_hypothetical:
        return f"$0.00 here · on Fargate {rate.region} ≈ {format_money(rate.usd_per_h)}/h{at_most}"
    return f"≈ {format_money(rate.usd_per_h)}/h{at_most}"


def status_text(run: Run) -> str:
    """Return where a run is, and how it failed: ``✖ FAILED user-error``."""
    status = f"{GLYPHS[run.status]} {run.status}"
    return status if run.failure_kind is None else f"{status} {run.failure_kind}"


def saved_line(run: Run, short: str) -> str:
    """Return where a run is that goes on, in words that stay true in a file."""
    since = (run.started_at or run.created_at).strftime("%Y-%m-%d %H:%M UTC")
    return f"{status_text(run)} {short} · since {since}"


def peak_text(attempt: Attempt) -> str:
    """Return the most memory that an attempt has used, or nothing."""
    return format_size(mib) if (mib := attempt.usage.peak_memory_mib) else ""


def charge_text(attempt: Attempt) -> str:
    """Return what an attempt has cost, or nothing where that is unknown."""
    return "" if attempt.charge_usd is None else f"≈ {format_money(attempt.charge_usd)}"


def pull_text(attempt: Attempt | None) -> str:
    """Return what part of a bill went into pulling the image, or nothing where that is little."""
    share = None if attempt is None else attempt.pull_share
    if share is None or share < _PULL_SHARE:
        return ""
    return f"you paid {share * 100:.0f} % for the image pull"


def cost_text(cost: Cost, *, is_final: bool) -> str:
    """Return what a run has cost, in words that fit a status line."""
    if cost.usd is None or cost.rate is None:
        return "price unknown"
    if cost.is_billed:
        return format_money(cost.usd)
    would = "would have been" if is_final else "would be"
    return f"$0.00 here · {would} ≈ {format_money(cost.usd)} on Fargate"


def progress_text(progress: Progress | None) -> str:
    """Return how far a job is: ``cell 4 of 12 ██░░░░░░░░ 25%``, or nothing."""
    if progress is None:
        return ""
    parts = []
    is_notebook = (progress.cells or 0) > 1  # of one cell there is nothing to count
    if is_notebook:
        parts.append(f"cell {(progress.cell or 0) + 1} of {progress.cells}")
    if progress.done is not None:
        parts.append(_bar(progress.done, progress.total))
    elif is_notebook:
        parts.append(_bar(progress.cell or 0, progress.cells))
    if progress.message:
        parts.append(f"({one_line(progress.message)})")
    return " ".join(parts)


def status_lines(
    run: Run,
    attempt: Attempt | None,
    cost: Cost,
    now: datetime,
    short: str,
    queue: Queue | None = None,
) -> list[str]:
    """Return the live lines: status, id, time and progress; then memory, CPU and cost.

    Where a line is cut at its end, what names the run is still there.
    """
    status = f"{GLYPHS[run.status]} {run.status} {short}"
    if attempt is not None and attempt.phase is not None and run.status is RunStatus.PENDING:
        status += f" ({attempt.phase})"
    since = run.started_at or run.created_at
    first = [status, format_duration(max(0.0, ((run.ended_at or now) - since).total_seconds()))]
    second = []
    if attempt is not None and attempt.phase is Phase.UPLOADING and attempt.progress is not None:
        first += [progress_text(attempt.progress), "keep this machine on until it is done"]
    if attempt is not None and run.status is RunStatus.RUNNING:
        first.append(progress_text(attempt.progress))
        if attempt.usage.memory_mib:
            second.append(f"mem {_memory(attempt.resources, attempt.usage.memory_mib)}")
            second.append(f"cpu {attempt.usage.cpu_percent:.0f}%")
    first.append(_waiting_text(run, attempt, now, queue))
    if run.status is not RunStatus.QUEUED:
        second.append(cost_text(cost, is_final=run.status.is_final))
    lines = (first, second) if second else (first,)
    return [" · ".join(part for part in line if part) for line in lines]


def _waiting_text(run: Run, attempt: Attempt | None, now: datetime, queue: Queue | None) -> str:
    """Return what a run waits for that has not begun, or nothing."""
    if run.status is RunStatus.PENDING and attempt is not None and attempt.message:
        return f"not launched yet: {one_line(attempt.message, 200)}"
    if run.status is not RunStatus.QUEUED:
        return ""
    if run.not_before is not None and (queue is None or run.not_before > now):
        wait_s = max(0.0, (run.not_before - now).total_seconds())
        return f"next attempt in {format_duration(wait_s)} ({one_line(run.message or '', 200)})"
    return "" if queue is None else queue.text


def attempt_heading(number: int, earlier: Sequence[Attempt]) -> str:
    """Return the line above what a further attempt writes."""
    return f"── {_attempt_text(number, earlier)} ──"


def _attempt_text(number: int, earlier: Sequence[Attempt]) -> str:
    """Return which attempt it is, and how those before it have ended."""
    ends = Counter(attempt.failure_kind for attempt in earlier if attempt.failure_kind)
    after = ", ".join(f"{count} × {kind}" if count > 1 else kind for kind, count in ends.items())
    return f"attempt {number} (after {after})" if after else f"attempt {number}"


def end_line(
    run: Run,
    attempt: Attempt | None,
    cost: Cost,
    short: str,
    earlier: Sequence[Attempt] = (),
) -> str:
    """Return the last line: status, id, why, which attempt, time, peak memory, cost."""
    word = f"{GLYPHS[run.status]} {run.status} {short}"
    if run.failure_kind is not None:
        word += f" ({run.failure_kind})"
    parts = [word]
    if run.attempt > 1:
        parts.append(_attempt_text(run.attempt, earlier))
    if attempt is not None and attempt.duration_s is not None:
        parts.append(format_duration(attempt.duration_s))
        if attempt.usage.peak_memory_mib:
            parts.append(f"peak {_memory(attempt.resources, attempt.usage.peak_memory_mib)}")
    parts += [cost_text(cost, is_final=True), pull_text(attempt)]
    return " · ".join(part for part in parts if part)


def explanation(run: Run, attempt: Attempt | None, last_lines: Sequence[str], short: str) -> Words:
    """Return why a run is as it is: cause, evidence, and what to do next."""
    if run.status is RunStatus.SUCCEEDED:
        return Words(f"{short} {run.name} succeeded.")
    if not run.status.is_final:
        return Words(f"{short} {run.name} is {run.status}: nothing to explain yet.")
    kind = f" ({run.failure_kind})" if run.failure_kind else ""
    lines = [f"{short} {run.name} {run.status}{kind}: {plain(_cut(run.message or ''))}".rstrip()]
    if attempt is not None:
        lines += _evidence(attempt, is_notebook=run.spec.kind == "notebook")
    shown = [text for line in last_lines if (text := plain(line).rstrip())]
    if shown:
        lines += ["  Last lines:", *(f"    {_cut(line)}" for line in shown)]
    if attempt is not None and attempt.next_step is not None:
        lines.append(f"  Next: {attempt.next_step.replace(run.id, short)}")
    lines.append(f"  All of it: jupyter flotilla logs {short}")
    return Words("\n".join(lines))


def _evidence(attempt: Attempt, *, is_notebook: bool) -> list[str]:
    facts = []
    if attempt.exit_code is not None:
        facts.append(f"exit code {attempt.exit_code}")
    if attempt.signal is not None:
        facts.append(f"signal {attempt.signal}")
    if attempt.failed_cell is not None and is_notebook:
        facts.append(f"in cell {attempt.failed_cell + 1}")
    if attempt.usage.peak_memory_mib:
        facts.append(f"peak memory {_memory(attempt.resources, attempt.usage.peak_memory_mib)}")
    if attempt.duration_s is not None:
        facts.append(f"after {format_duration(attempt.duration_s)}")
    return [f"  Evidence: {', '.join(facts)}"] if facts else []


def _memory(resources: Resources, mib: float) -> str:
    limit = resources.memory_mib
    return format_size(mib) if limit is None else f"{format_size(mib)} of {format_size(limit)}"


def _bar(done: float, total: float | None) -> str:
    if not total or total < 0:
        return f"{done:g}"
    share = min(1.0, max(0.0, done / total))
    full = round(share * _BAR_CELLS)
    return f"{'█' * full}{'░' * (_BAR_CELLS - full)} {share:.0%}"


def one_line(text: str, longest: int = 60) -> str:
    """Return text on one line, shortened where it is longer than that."""
    line = printable(text[: longest + 1])
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
