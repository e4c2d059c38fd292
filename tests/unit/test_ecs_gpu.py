"""Jobs with GPUs on ECS: which machine, how much of it, what is asked of AWS, what it costs."""

import json
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ecs_tasks import ECS, Tasks
from scripted_aws import FakeAccount

from jupyter_flotilla.capture.draft import Draft, common_fields
from jupyter_flotilla.engines.ecs.account import AwsError
from jupyter_flotilla.engines.ecs.billing import billed
from jupyter_flotilla.engines.ecs.capacity import Capacity
from jupyter_flotilla.engines.ecs.gpu import Gpu, gpu_rate, gpu_size, offer, quota_of, why_not
from jupyter_flotilla.engines.ecs.machines import DEFAULT_MACHINE, machines
from jupyter_flotilla.engines.ecs.observe import InUse
from jupyter_flotilla.engines.ecs.prices import PriceList, shipped_prices
from jupyter_flotilla.errors import InvalidOption, LaunchError
from jupyter_flotilla.model.options import JobOptions
from jupyter_flotilla.model.resources import Resources
from jupyter_flotilla.planning import plan_job
from jupyter_flotilla.render import launch_lines
from jupyter_flotilla.settings import load_settings
from jupyter_flotilla.store.connection import Store

NOW = datetime(2026, 11, 1, tzinfo=UTC)
ONE = Gpu(provider="gpu-flotilla", type="g4dn.xlarge", most=2)
FOUR = Gpu(provider="gpu-flotilla", type="g4dn.12xlarge", most=1)
PRICES = shipped_prices()
REGION = "us-east-1"
QUOTA = "service-quotas:GetServiceQuota"
USUAL = Resources(cpu=1, memory_mib=4096, gpu=1)


def test_every_priced_type_is_described_and_the_usual_one_has_a_price_in_most_regions() -> None:
    priced = {name for region in PRICES.regions.values() for name in region.machines}

    assert priced <= machines().keys()
    having = [name for name, region in PRICES.regions.items() if DEFAULT_MACHINE in region.machines]
    assert "us-east-1" in having and "eu-west-1" in having and len(having) >= 10


@pytest.mark.parametrize(
    ("asked", "gpu", "cpu", "memory_gib"),
    [
        pytest.param(USUAL, ONE, 4, 14, id="the whole machine, which is paid for"),
        pytest.param(USUAL, FOUR, 12, 43, id="a quarter of four"),
        pytest.param(Resources(cpu=20, memory_mib=4096, gpu=1), FOUR, 20, 43, id="more vCPU"),
        pytest.param(Resources(cpu=1, memory_mib=100 * 1024, gpu=1), FOUR, 12, 100, id="memory"),
        pytest.param(Resources(cpu=1, gpu=4), FOUR, 48, 172, id="all of four"),
    ],
)
def test_a_job_gets_its_gpus_share_of_the_machine_or_what_it_asks_for(
    asked: Resources, gpu: Gpu, cpu: float, memory_gib: int
) -> None:
    size = gpu_size(asked, gpu)

    assert (size.cpu, (size.memory_mib or 0) // 1024, size.gpu) == (cpu, memory_gib, asked.gpu)


@pytest.mark.parametrize(
    "asked",
    [
        Resources(gpu=2),
        Resources(gpu=1, cpu=8),
        Resources(gpu=1, memory_mib=16 * 1024),  # of which some is the machine's own
    ],
    ids=["GPUs", "vCPU", "memory"],
)
def test_what_no_such_machine_has_is_refused_with_a_type_that_has_it(asked: Resources) -> None:
    with pytest.raises(LaunchError, match=r"more than a g4dn\.xlarge has for jobs: 1 T4"):
        gpu_size(asked, ONE)

    message, step = why_not(asked, ONE, REGION, PRICES) or ("", "")
    assert "g4dn.xlarge" in message
    assert "a smaller job, or jupyter flotilla setup-aws --gpu g" in step


def test_a_type_that_is_not_known_gets_what_is_asked_for_at_an_unknown_price() -> None:
    odd = Gpu(provider="p", type="g99.large", most=1)

    assert gpu_size(Resources(cpu=2, gpu=1), odd).memory_mib == 4096
    assert gpu_rate(USUAL, odd, REGION, PRICES, has_public_ipv4=True) is None
    assert why_not(USUAL, odd, REGION, PRICES) is None


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"spot": True}, "--spot"),
        ({"arch": "arm64"}, "--arch arm64"),
        ({"disk_gib": 50}, "--disk"),
    ],
)
def test_what_these_machines_cannot_give_is_refused_and_not_left_out(
    changed: dict[str, Any], said: str
) -> None:
    message, step = why_not(USUAL.model_copy(update=changed), ONE, REGION, PRICES) or ("", "")

    assert message.startswith(said)
    assert step


def test_without_machines_the_refusal_names_the_command_the_type_and_its_price() -> None:
    message, step = why_not(USUAL, None, REGION, PRICES) or ("", "")

    assert message.startswith("--gpu 1: Fargate has no GPUs")
    assert step.startswith("jupyter flotilla setup-aws --gpu g4dn.xlarge --apply: 1 T4")
    assert "$0.00 while no job has one, else $0.53 an hour (" in step and "read 2026" in step


def test_an_offer_has_as_many_gpus_as_are_asked_for_and_owns_up_to_an_unknown_price() -> None:
    assert "--gpu g4dn.12xlarge" in offer(Resources(gpu=4), REGION, PRICES)
    assert "no type" in offer(Resources(gpu=64), REGION, PRICES)
    assert "a price that is unknown in eu-x" in offer(USUAL, "eu-x", PRICES)


def test_the_rate_is_the_whole_machines_with_its_source_and_its_address() -> None:
    plain = gpu_rate(USUAL, ONE, REGION, PRICES, has_public_ipv4=False)
    public = gpu_rate(USUAL, ONE, REGION, PRICES, has_public_ipv4=True)

    assert plain is not None and public is not None
    assert plain.usd_per_h == PRICES.region(REGION).machines["g4dn.xlarge"].usd_hour
    assert public.usd_per_h == pytest.approx(plain.usd_per_h + 0.005)
    assert (plain.machine, plain.provider, plain.cpu) == ("g4dn.xlarge", "EC2", 4)
    assert "read 2026" in plain.source and "while the machine starts and idles" in plain.source


def test_a_price_that_was_read_later_counts() -> None:
    price = {"usd_hour": 9.0, "source": "x", "read": "2099-01-01"}
    own = PriceList.model_validate({"regions": {REGION: {"machines": {"g4dn.xlarge": price}}}})

    rate = gpu_rate(USUAL, ONE, REGION, PRICES.newer(own), has_public_ipv4=False)

    assert rate is not None and rate.usd_per_h == 9.0
    assert PRICES.newer(own).region(REGION).on_demand == PRICES.region(REGION).on_demand


def test_the_quota_is_that_of_the_types_family() -> None:
    assert quota_of("g6e.xlarge") == ("L-DB2E81BA", "G and VT")
    assert quota_of("p4d.24xlarge") == ("L-417A185B", "P")
    assert quota_of("m5.large") is None


# --- whether there is room ---------------------------------------------------------------------


@pytest.fixture
def capacity(tmp_path: Path) -> Callable[..., Capacity]:
    def make(quota: Any = 8.0, gpu: Gpu | None = ONE) -> Capacity:
        answer = quota if isinstance(quota, Exception) else {"Quota": {"Value": quota}}
        account = FakeAccount({QUOTA: answer})
        return Capacity(account, tmp_path / "ecs", "1", gpu=gpu)  # type: ignore[arg-type]

    return make


MakeCapacity = Callable[..., Capacity]


def test_a_job_with_a_gpu_fits_where_machines_are_set_up(capacity: MakeCapacity) -> None:
    assert capacity().feasible(USUAL, NOW).verdict == "fits"
    assert capacity(gpu=None).feasible(USUAL, NOW).verdict == "refused"


def test_an_account_that_may_have_no_such_machine_is_told_before_anything_waits(
    capacity: MakeCapacity,
) -> None:
    found = capacity(quota=0.0).feasible(USUAL, NOW)

    assert found.verdict == "refused"
    assert "this account may use 0 of G and VT instances in us-east-1" in found.message
    assert "ec2/quotas/L-DB2E81BA?region=us-east-1" in str(found.next_step)


def test_a_quota_that_nobody_may_see_holds_nothing_up(capacity: MakeCapacity) -> None:
    denied = AwsError("may not", kind="permission", action=QUOTA, next_step="allow it")

    assert capacity(quota=denied).feasible(USUAL, NOW).verdict == "unknown"


@pytest.mark.parametrize(("in_use", "verdict"), [(0, "fits"), (1, "fits"), (2, "held")])
def test_a_job_waits_here_while_all_machines_have_one(
    capacity: MakeCapacity, in_use: int, verdict: str
) -> None:
    def ours(provider: str) -> InUse:
        return InUse(gpus=in_use if provider == "gpu-flotilla" else 99)

    found = capacity().feasible(USUAL, NOW, ours)

    assert found.verdict == verdict
    assert verdict == "fits" or "2 of 2 GPUs (2 g4dn.xlarge) are in use" in found.message


# --- what is billed ----------------------------------------------------------------------------

TASK = {
    "taskArn": "arn:aws:ecs:us-east-1:123456789012:task/flotilla/0123", "launchType": "EC2",
    "capacityProviderName": "gpu-flotilla", "cpu": "4096", "memory": "14745",
    "createdAt": NOW - timedelta(minutes=4), "pullStartedAt": NOW,
    "stoppedAt": NOW + timedelta(minutes=30),
}  # fmt: skip


def test_an_attempt_is_charged_the_machine_from_the_pull_to_its_end() -> None:
    bill = billed(TASK, NOW, PRICES, has_public_ipv4=True, machine="g4dn.xlarge")

    assert bill is not None and bill.rate is not None
    assert (bill.billed_s, bill.since, bill.rate.machine) == (1800, NOW, "g4dn.xlarge")


def test_a_machine_that_is_none_of_ours_is_not_charged() -> None:
    assert billed(TASK, NOW, PRICES) is None


def test_what_ran_on_fargate_after_all_is_charged_as_that() -> None:
    task = TASK | {"launchType": "FARGATE", "capacityProviderName": "FARGATE", "memory": "30720"}

    bill = billed(task, NOW, PRICES, machine="g4dn.xlarge")

    assert bill is not None and bill.rate is not None and bill.rate.machine is None


# --- the engine on a fake ECS ------------------------------------------------------------------


@pytest.fixture
def tasks(home: Path, settings_file: Path, monkeypatch: pytest.MonkeyPatch) -> Tasks:
    """An engine whose cluster has machines with GPUs."""
    monkeypatch.setattr("ecs_tasks.ECS", f'{ECS}gpu_capacity = "gpu-flotilla"\ngpu_machines = 2\n')
    made = Tasks(home, settings_file)
    [cluster] = made.fake._clusters._by_name.values()
    cluster.providers = (*cluster.providers, "gpu-flotilla")
    return made


def test_a_job_with_a_gpu_runs_on_the_machines_network_and_with_nothing_of_fargates(
    tasks: Tasks,
) -> None:
    handle = tasks.launch(tasks.order(resources=USUAL))

    [request] = tasks.journal.rows.values()
    assert "networkConfiguration" not in request and "platformVersion" not in request
    [capacity] = request["capacityProviderStrategy"]
    assert capacity["capacityProvider"] == "gpu-flotilla"
    assert (request["overrides"]["cpu"], request["overrides"]["memory"]) == ("4096", "14745")
    client = tasks.fake.client("ecs")
    made = client.describe_task_definition(taskDefinition=request["taskDefinition"])
    definition = made["taskDefinition"]
    assert (definition["networkMode"], definition["requiresCompatibilities"]) == ("bridge", ["EC2"])
    [container] = definition["containerDefinitions"]
    assert container["resourceRequirements"] == [{"type": "GPU", "value": "1"}]
    assert container["linuxParameters"]["sharedMemorySize"] == 14745 // 2
    assert handle.detail["machine"] == "g4dn.xlarge"


def test_a_third_job_waits_for_one_of_two_machines_and_nothing_is_sent_of_it(tasks: Tasks) -> None:
    handles = [tasks.launch(tasks.order(resources=USUAL)) for _ in range(2)]
    tasks.engine.poll(handles)

    with pytest.raises(LaunchError, match=r"2 of 2 GPUs \(2 g4dn\.xlarge\) are in use"):
        tasks.launch(tasks.order(resources=USUAL))

    assert tasks.fake.calls["RunTask"] == 2
    assert tasks.launch(tasks.order()).detail["task"]  # on Fargate there is room


def test_a_job_without_a_gpu_runs_on_fargate_as_ever(tasks: Tasks) -> None:
    handle = tasks.launch(tasks.order())

    [request] = tasks.journal.rows.values()
    assert request["capacityProviderStrategy"] == [{"capacityProvider": "FARGATE", "weight": 1}]
    assert handle.detail["machine"] is None


def test_the_job_is_told_the_size_that_it_really_gets(tasks: Tasks) -> None:
    order = tasks.order(resources=USUAL)

    tasks.launch(order)

    job = json.loads((order.attempt_folder / "job.json").read_text())
    assert "14745" in json.dumps(job)


def test_a_run_says_from_its_submit_on_what_the_job_gets_and_what_is_paid(
    tasks: Tasks, tmp_path: Path
) -> None:
    fields = common_fields(JobOptions(gpu=1, timeout_s=3600), cwd=tmp_path, engine=tasks.engine)
    spec = tasks.order(resources=fields["resources"], timeout_s=3600).spec

    with closing(Store(tmp_path / "flotilla.db")) as store:
        plan = plan_job(Draft(spec=spec), tasks.engine, store, load_settings())
    first, price, note = launch_lines(plan)

    assert "4 vCPU  memory 14.4 G  1 GPU  timeout 1h" in first
    assert price.strip().startswith("≈ $0.53/h, at most $")
    assert "a whole g4dn.xlarge" in note and "about 15 minutes after its last job" in note


def test_what_no_machine_has_is_refused_as_it_was_asked_for(tasks: Tasks, tmp_path: Path) -> None:
    options = JobOptions(gpu=1, cpu=64)

    fields = common_fields(options, cwd=tmp_path, engine=tasks.engine)

    assert fields["resources"].cpu == 64
    assert "--gpu 1 --cpu 64" in tasks.engine.check(fields["resources"]).message


def test_its_end_has_the_price_of_the_machine(tasks: Tasks) -> None:
    handle = tasks.launch(tasks.order(resources=USUAL))
    tasks.advance(300)

    seen = tasks.look(handle)

    assert seen.ending is not None and seen.ending.rate is not None
    assert (seen.ending.rate.machine, seen.ending.billed_s) == ("g4dn.xlarge", 60)


def test_a_cap_on_cost_ends_it_when_the_machine_has_cost_that_much(tasks: Tasks) -> None:
    rate = tasks.engine.rate(USUAL)
    assert rate is not None
    an_hour = replace(tasks.order(resources=USUAL), max_cost_usd=rate.usd_per_h, rate=rate)

    tasks.launch(an_hour)

    job = json.loads((an_hour.attempt_folder / "job.json").read_text())
    [deadline] = [one for one in job["deadlines"] if one["reason"] == "cost-cap"]
    assert 3500 < deadline["after_s"] < 3600


def test_the_price_of_a_job_is_the_machines_or_fargates(tasks: Tasks) -> None:
    rate = tasks.engine.rate(USUAL)

    assert rate is not None and rate.machine == "g4dn.xlarge"
    assert tasks.engine.rate(Resources(memory_mib=4096)).machine is None  # type: ignore[union-attr]
    assert tasks.engine.rate(Resources(gpu=3)) is None


def test_a_retry_that_no_machine_has_is_not_made(tasks: Tasks) -> None:
    assert tasks.engine.fits(USUAL)
    assert not tasks.engine.fits(USUAL.model_copy(update={"disk_gib": 40}))


def test_a_network_by_name_is_refused_with_a_gpu(tasks: Tasks, settings_file: Path) -> None:
    text = f'{settings_file.read_text()}[ecs.networks.private]\nsubnets = ["subnet-p"]\n'
    settings_file.write_text(text)
    engine = tasks.restarted()

    with pytest.raises(InvalidOption, match="--network private"):
        engine.check_job(tasks.order(resources=USUAL, network="private").spec)


def test_without_machines_the_engine_says_so_before_the_submit(
    home: Path, settings_file: Path
) -> None:
    made = Tasks(home, settings_file)

    found = made.engine.check(USUAL)

    assert not found.ok
    assert "setup-aws --gpu g4dn.xlarge" in str(found.next_step)
    assert load_settings().ecs.gpu_capacity is None
