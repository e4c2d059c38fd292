"""Costs, and how it stands here."""

from typing import Any

from pydantic import Field

from jupyter_flotilla.server.wire.base import In, Out
from jupyter_flotilla.server.wire.runs import RunOut
from jupyter_flotilla.store.costs import By, CostRow


class CostsQuery(In):
    """What costs are summed by, and since when."""

    by: By = "notebook"
    since: str | None = None
    limit: int = Field(default=200, ge=1, le=2000)


class CostOut(CostRow):
    """What one group of runs has cost."""

    is_billed: bool


class CostsOut(Out):
    """Costs, the most expensive first."""

    rows: list[CostOut]
    since: str | None


class WasteQuery(In):
    """How many runs, and since when."""

    since: str | None = None
    limit: int = Field(default=10, ge=1, le=100)


class CostlyRun(Out):
    """A run and what is to be said of its cost."""

    run: RunOut
    usd: float
    text: str


class WasteOut(Out):
    """The leaderboards."""

    expensive: list[CostlyRun]
    #: By what failed attempts and memory that nobody used have taken.
    wasteful: list[CostlyRun]


class DispatcherOut(Out):
    """Whether anything moves what is queued."""

    alive: bool
    message: str


class StatusOut(Out):
    """How it stands."""

    version: str
    now: str
    #: Number of the last event.
    seq: int
    counts: dict[str, int]
    #: What somebody really pays.
    cost_today_usd: float
    cost_month_usd: float
    monthly_budget_usd: float | None
    dispatcher: DispatcherOut
    #: The user of this server, as runs name their owners.
    owner: str


class FindingOut(Out):
    """What a check of this machine has found."""

    name: str
    ok: bool
    message: str
    next: str | None


class DoctorOut(Out):
    """What all checks have found."""

    findings: list[FindingOut]


class SettingOut(Out):
    """A setting, and where its value came from."""

    name: str
    value: Any
    source: str
    description: str


class SettingsOut(Out):
    """All settings."""

    settings: list[SettingOut]
