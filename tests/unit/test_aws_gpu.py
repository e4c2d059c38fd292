"""``setup-aws --gpu``: what it adds to the stack, where it may be, and how it is taken away."""

import json
import re
import tomllib
from importlib.resources import files

import pytest
from cfnlint.api import lint
from cfnlint.config import ManualArgs
from fake_account import denied, refused
from test_aws_set_up import aws, gone_in_the_end, set_up

from jupyter_flotilla.errors import EnvironmentProblem, InvalidOption, Refused
from jupyter_flotilla.settings import Settings
from jupyter_flotilla.setup.deployment import refuse
from jupyter_flotilla.setup.ecs_places import cluster
from jupyter_flotilla.setup.idle import parts
from jupyter_flotilla.setup.machine_group import release
from jupyter_flotilla.setup.stack import machines, policies
from jupyter_flotilla.setup.stack.site import MachineGroup, Member, Site
from jupyter_flotilla.setup.stack.template import template

ADA = Member(owner="ada", install="0123abcd")
TWO = MachineGroup(type="g4dn.xlarge", most=2)
OFFERINGS = "ec2:DescribeInstanceTypeOfferings"
QUOTA = "service-quotas:GetServiceQuota"
GROUPS = "autoscaling:DescribeAutoScalingGroups"
KEPT = {"members": [], "gpu": {"type": "g5.xlarge", "most": 3}}


def site(**changed):
    """Return a set-up of Ada's in Ireland with machines with GPUs."""
    given = {
        "account": "123456789012", "region": "eu-west-1", "member": ADA, "vpc": "vpc-0a1b2c3d",
        "subnets": ("subnet-0a1b2c3d",), "machines": TWO,
    }  # fmt: skip
    return Site(**given | changed)


def properties(of, name):
    """Return the properties of one resource of the template."""
    return template(of)["Resources"][name]["Properties"]


@pytest.fixture
def settings(weird_path):
    """Return settings with a home of this test's own."""
    return Settings(home=weird_path / "home", region="eu-west-1")


@pytest.fixture
def path(weird_path):
    """Return where settings are written."""
    return weird_path / "flotilla.toml"


def with_machines(account, *zones, quota=8.0):
    """Have an account in which machines with GPUs can be had in some zones."""
    found = [{"Location": zone} for zone in zones or ("eu-west-1a",)]
    account.answer(OFFERINGS, {"InstanceTypeOfferings": found})
    return account.answer(QUOTA, {"Quota": {"Value": quota}})


def test_the_linter_finds_nothing_in_the_template_and_the_printed_policies():
    of = site(permissions_boundary="arn:aws:iam::123456789012:policy/edge")
    made = template(of)
    for name, policy in {"Submit": policies.submit(of), "Gpu": machines.admin_policy(of)}.items():
        printed = {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": policy}}
        made["Resources"][name] = printed

    found = lint(json.dumps(made), config=ManualArgs(regions=[of.region]))

    assert [f"{one.rule.id} {one.message} {one.path}" for one in found] == []


def test_without_gpu_the_stack_has_none_of_it():
    made = template(site(machines=None))

    kinds = {one["Type"] for one in made["Resources"].values()}
    assert not [kind for kind in kinds if re.search("AutoScaling|Launch|Capacity|Instance", kind)]
    assert made["Resources"]["Cluster"]["Properties"]["CapacityProviders"] == [
        "FARGATE", "FARGATE_SPOT",
    ]  # fmt: skip


def test_the_cluster_keeps_fargate_and_gets_the_machines_besides():
    providers = properties(site(), "Cluster")["CapacityProviders"]

    assert providers == ["FARGATE", "FARGATE_SPOT", {"Ref": "GpuProvider"}]


def test_no_machine_is_there_until_a_job_needs_one_and_an_update_ends_none():
    group = properties(site(), "GpuGroup")

    assert (group["MinSize"], group["MaxSize"]) == ("0", "2")
    assert "DesiredCapacity" not in group


def test_ecs_ends_machines_and_never_one_that_works():
    provider = properties(site(), "GpuProvider")["AutoScalingGroupProvider"]

    assert provider["ManagedScaling"]["Status"] == "ENABLED"
    assert provider["ManagedTerminationProtection"] == "ENABLED"
    assert properties(site(), "GpuGroup")["NewInstancesProtectedFromScaleIn"] is True


@pytest.mark.parametrize("is_public", [True, False])
def test_a_machine_gets_a_public_address_where_its_subnets_need_one(is_public):
    data = properties(site(assign_public_ip=is_public), "GpuTemplate")["LaunchTemplateData"]

    [interface] = data["NetworkInterfaces"]
    assert interface["AssociatePublicIpAddress"] is is_public
    assert interface["Groups"] == [{"Fn::GetAtt": ["SecurityGroup", "GroupId"]}]


def test_jobs_have_their_own_roles_keys_and_cannot_be_the_machine():
    data = properties(site(), "GpuTemplate")["LaunchTemplateData"]
    script = data["UserData"]["Fn::Base64"]

    assert script.startswith("#!/bin/bash\n")
    assert "\nECS_CLUSTER=flotilla\n" in script and "\nECS_ENABLE_TASK_IAM_ROLE=true\n" in script
    assert data["MetadataOptions"]["HttpTokens"] == "required"
    assert data["MetadataOptions"]["HttpPutResponseHopLimit"] == 1


def test_a_machines_role_only_joins_the_cluster():
    text = json.dumps(machines.machine_policy(site()))

    assert "ecs:RegisterContainerInstance" in text
    assert not re.search("s3:|ecr:|logs:|ssm:|secretsmanager:|iam:|ecs:RunTask", text)


def test_no_action_is_a_wildcard_and_only_listed_ones_have_no_resource():
    of = site()
    known = json.loads(files("cfnlint").joinpath("data/AdditionalSpecs/Policies.json").read_text())
    for policy in (machines.machine_policy(of), machines.admin_policy(of), policies.submit(of)):
        for statement in policy["Statement"]:
            assert not [one for one in statement["Action"] if "*" in one]
            for action in statement["Action"]:
                service, _, verb = action.partition(":")
                assert verb.lower() in known[service]["Actions"], action
            if statement["Resource"] == ["*"]:
                assert set(statement["Action"]) <= set(policies.UNSCOPED), statement


def test_each_printed_policy_fits_into_a_managed_one():
    of = site(stack="s" * 20, member=Member(owner="o" * 20, install="0" * 8))

    for policy in (policies.submit(of), policies.admin(of), machines.admin_policy(of)):
        assert policies.size(policy) <= 6144


def test_machines_cost_nothing_while_idle_and_a_plan_says_what_one_costs():
    found = parts(site())

    [row] = [part for part in found if part.kind == "machines"]
    assert {part.kind for part in found if part.idle_usd} == {"alarm"}
    assert re.search(r"0 to 2 g4dn\.xlarge, \$0\.\d\d an hour each \(.*read 2026", row.note)
    assert "until about 15 minutes after the last" in row.note
    [row] = [p for p in parts(site(region="xx-west-1")) if p.kind == "machines"]
    assert "unknown in xx-west-1" in row.note


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"machines": MachineGroup(type="GPU please", most=1)}, "--gpu 'GPU please'"),
        ({"reuse": {"cluster": "shared"}}, "capacity providers of cluster shared are yours"),
    ],
)
def test_what_cannot_be_made_is_refused_before(changed, said):
    with pytest.raises(InvalidOption, match=re.escape(said)):
        site(**changed)


def test_a_providers_name_never_begins_with_what_aws_keeps_to_itself():
    assert site(stack="ecs-team").machine_provider == "gpu-ecs-team"


# --- set_up ------------------------------------------------------------------------------------


def test_what_is_applied_is_written_and_put_where_the_type_is(settings, path):
    account = with_machines(aws(SecurityGroup="sg-1"))
    subnets = [{"SubnetId": f"subnet-{z}", "AvailabilityZone": f"eu-west-1{z}", "VpcId": "vpc-1"}
               for z in "abc"]  # fmt: skip
    account.answer("ec2:DescribeSubnets", {"Subnets": subnets})
    with_machines(account, "eu-west-1a", "eu-west-1c")

    set_up(settings, path, account, gpu="", gpu_machines=2).apply(refuse)

    [made] = [r for name, r in account.asked if name == "cloudformation:CreateChangeSet"]
    group = json.loads(made["TemplateBody"])["Resources"]["GpuGroup"]["Properties"]
    assert group["VPCZoneIdentifier"] == ["subnet-a", "subnet-c"]
    ecs = tomllib.loads(path.read_text(encoding="utf-8"))["ecs"]
    assert (ecs["gpu_capacity"], ecs["gpu_type"], ecs["gpu_machines"]) == (
        "gpu-flotilla", "g4dn.xlarge", 2,
    )  # fmt: skip
    assert len(ecs["subnets"]) == 3  # Fargate's


def test_what_was_chosen_before_stays_and_what_is_chosen_now_is_stronger(settings, path):
    def chosen(**choices):
        account = with_machines(aws(KEPT))
        return set_up(settings, path, account, **choices).plan().site.machines

    assert (chosen().type, chosen().most) == ("g5.xlarge", 3)
    assert (chosen(gpu="").type, chosen(gpu_machines=1).most) == ("g5.xlarge", 1)
    assert (chosen(gpu="g6.xlarge").type, chosen(gpu="g6.xlarge").most) == ("g6.xlarge", 3)


def test_how_many_machines_without_any_is_refused(settings, path):
    with pytest.raises(InvalidOption, match="--gpu-machines without --gpu"):
        set_up(settings, path, aws(), gpu_machines=2).plan()


def test_a_type_that_no_subnet_can_have_is_refused_and_nothing_is_made(settings, path):
    account = with_machines(aws(), "eu-west-1z")

    with pytest.raises(EnvironmentProblem, match=r"no g4dn\.xlarge can be had .*eu-west-1z"):
        set_up(settings, path, account, gpu="").apply(refuse)

    assert "cloudformation:CreateChangeSet" not in account.names()
    planned = set_up(settings, path, with_machines(aws(), "eu-west-1z"), gpu="").plan()
    assert "no g4dn.xlarge can be had" in planned.warnings[0]


def test_an_account_that_may_start_no_such_machine_is_told_where_to_ask(settings, path):
    planned = set_up(settings, path, with_machines(aws(), quota=0.0), gpu="").plan()

    [said] = planned.warnings
    assert "may use 0 vCPU of G and VT instances, and a g4dn.xlarge has 4" in said
    assert "ec2/quotas/L-DB2E81BA?region=eu-west-1" in said


def test_a_quota_that_nobody_may_see_is_not_warned_of(settings, path):
    account = with_machines(aws()).answer(QUOTA, denied("servicequotas:GetServiceQuota"))

    assert set_up(settings, path, account, gpu="").plan().warnings == ()


def machine(is_protected=True):
    """Return a machine of the group that nothing runs on."""
    return {"InstanceId": "i-1", "LifecycleState": "InService",
            "ProtectedFromScaleIn": is_protected}  # fmt: skip


def with_group(account, *looks):
    """Have a group that has these machines at each look."""
    answers = [{"AutoScalingGroups": [{"Instances": list(look)}]} for look in looks]
    account.answer(GROUPS, *answers)
    for action in ("UpdateAutoScalingGroup", "SetInstanceProtection"):
        account.answer(f"autoscaling:{action}", {})
    return account


def test_removing_ends_machines_that_ecs_would_leave_protected(settings, path):
    said = []
    account = with_group(gone_in_the_end(aws(KEPT)), [machine()], [machine(False)], [])

    set_up(settings, path, account, said).remove(lambda harsh: None)

    changing = [name for name in account.names() if "Describe" not in name]
    ended = "autoscaling:UpdateAutoScalingGroup"
    assert [name for name in changing if "autoscaling" in name or "Stack" in name] == [
        "autoscaling:SetInstanceProtection", ended, ended, "cloudformation:DeleteStack",
    ]  # fmt: skip
    request = next(request for name, request in account.asked if name == ended)
    assert (request["MinSize"], request["DesiredCapacity"]) == (0, 0)
    assert "MaxSize" not in request  # it would stay, were the machines wanted after all
    assert said.count("waiting for 1 machines of flotilla-gpu to end") == 1


def test_taking_the_machines_away_asks_ends_them_and_unsets_what_was_written(settings, path):
    set_up(settings, path, with_machines(aws(SecurityGroup="sg-1")), gpu="").apply(refuse)
    account = with_group(aws(KEPT, SecurityGroup="sg-1"), [machine(False)], [])
    asked = []

    set_up(settings, path, account, gpu="none").apply(asked.extend)

    assert asked[0] == "take the machines with GPUs from all who use stack flotilla"
    assert "autoscaling:UpdateAutoScalingGroup" in account.names()
    ecs = tomllib.loads(path.read_text(encoding="utf-8"))["ecs"]
    assert not [name for name in ecs if name.startswith("gpu")]
    assert ecs["cluster"] == "flotilla"


def test_machines_are_not_taken_away_while_tasks_run(settings, path):
    account = with_group(aws(KEPT), []).answer("ecs:ListTasks", {"taskArns": ["a"]})

    with pytest.raises(Refused, match="1 tasks run"):
        set_up(settings, path, account, gpu="none").apply(lambda harsh: None)

    assert "autoscaling:UpdateAutoScalingGroup" not in account.names()


def test_machines_that_do_not_end_are_named_and_a_group_that_is_gone_is_no_matter():
    account = with_group(aws(), [machine(False)])

    with pytest.raises(EnvironmentProblem, match="1 machines of flotilla-gpu do not end"):
        release(account, "flotilla-gpu", lambda words: None, lambda seconds: None)

    account = aws().answer(GROUPS, {"AutoScalingGroups": []})
    release(account, "flotilla-gpu", lambda words: None, lambda seconds: None)
    assert account.names() == [GROUPS]


# --- doctor ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("providers", "quota", "said"),
    [
        (["FARGATE", "FARGATE_SPOT", "gpu-flotilla"], 8.0, "g4dn.xlarge, 1 at most"),
        (["FARGATE", "FARGATE_SPOT", "gpu-flotilla"], 0.0, "may use 0 vCPU of G and VT"),
        (["FARGATE", "FARGATE_SPOT"], 8.0, "the cluster lacks gpu-flotilla"),
    ],
)
def test_doctor_looks_at_the_machines_of_jobs_with_gpus(settings, providers, quota, said):
    ecs = settings.ecs.model_copy(update={"cluster": "flotilla", "gpu_capacity": "gpu-flotilla"})
    account = with_machines(aws(), quota=quota)
    there = {"status": "ACTIVE", "capacityProviders": providers}
    account.answer("ecs:DescribeClusters", {"clusters": [there]})

    found = {one.name: one for one in cluster(account, ecs)}

    assert said in found["gpu"].message
    assert found["gpu"].ok == said.startswith("g4dn") and not found["gpu"].is_bad
    assert found["capacity"].ok


def test_a_quota_that_aws_does_not_know_is_no_finding(settings):
    ecs = settings.ecs.model_copy(update={"cluster": "f", "gpu_capacity": "gpu-f"})
    account = aws().answer(QUOTA, refused(QUOTA, "NoSuchResourceException", "no"))
    there = {"status": "ACTIVE", "capacityProviders": ["FARGATE", "FARGATE_SPOT", "gpu-f"]}
    account.answer("ecs:DescribeClusters", {"clusters": [there]})

    assert all(one.ok for one in cluster(account, ecs))
