"""What ``--gpu`` adds to the stack: machines with GPUs that are there only while jobs need them.

A launch template, an Auto Scaling group of none to a few machines, and a capacity provider by
which ECS starts and ends them. Nothing of it costs anything while no machine is there.
"""

from typing import Any

from jupyter_flotilla.engines.ecs.gpu import DISK_GIB
from jupyter_flotilla.setup.stack.policies import (
    MAKE_ROLES,
    ROLES,
    Policy,
    actions,
    allow,
    bounded,
    document,
    quotas_of_machines,
)
from jupyter_flotilla.setup.stack.site import MachineGroup, Site

#: The newest image of ECS's for machines with GPUs is looked up at each start of one ("Retrieving
#: Amazon ECS-optimized Linux AMI metadata", docs.aws.amazon.com/AmazonECS/latest/developerguide/
#: retrieve-ecs-optimized_AMI.html, and "Use AWS Systems Manager parameters instead of AMI IDs in
#: launch templates", docs.aws.amazon.com/autoscaling/ec2/userguide/
#: using-systems-manager-parameters.html, read 2026-11). Amazon Linux 2 has ended in June 2026.
IMAGE = "/aws/service/ecs/optimized-ami/amazon-linux-2023/gpu/recommended/image_id"
#: Of that image ("Amazon ECS-optimized Linux AMIs", ibid.).
_ROOT_DEVICE = "/dev/xvda"
#: Settings of the agent ("Amazon ECS container agent configuration",
#: docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-agent-config.html, and README.md of
#: github.com/aws/amazon-ecs-agent, read 2026-11). Jobs get the keys of their own role; logs are
#: written by the execution role, so that the machine's own needs to do neither; stopping takes as
#: long as on Fargate; what old tasks have left goes soon, as all share the disk.
_AGENT = {
    "ECS_ENABLE_TASK_IAM_ROLE": "true",
    "ECS_ENABLE_AWSLOGS_EXECUTIONROLE_OVERRIDE": "true",
    "ECS_ENABLE_GPU_SUPPORT": "true",
    "ECS_CONTAINER_STOP_TIMEOUT": "120s",
    "ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION": "10m",
}
_EC2 = "ec2.amazonaws.com"
_JOIN_ACTIONS = (
    "RegisterContainerInstance DeregisterContainerInstance SubmitContainerStateChange "
    "SubmitTaskStateChange SubmitAttachmentStateChanges"
)
_GROUP_ACTIONS = (
    "CreateAutoScalingGroup UpdateAutoScalingGroup DeleteAutoScalingGroup SetInstanceProtection "
    "CreateOrUpdateTags DeleteTags"
)
_TEMPLATE_ACTIONS = (
    "CreateLaunchTemplate CreateLaunchTemplateVersion ModifyLaunchTemplate DeleteLaunchTemplate"
)
_PROVIDER_ACTIONS = (
    "CreateCapacityProvider UpdateCapacityProvider DeleteCapacityProvider "
    "DescribeCapacityProviders TagResource UntagResource"
)
_PROFILE_ACTIONS = (
    "CreateInstanceProfile DeleteInstanceProfile GetInstanceProfile AddRoleToInstanceProfile "
    "RemoveRoleFromInstanceProfile TagInstanceProfile UntagInstanceProfile"
)
_SEE_GROUP = "DescribeAutoScalingGroups DescribeScalingActivities"
_SEE_TEMPLATE = (
    "DescribeLaunchTemplates DescribeLaunchTemplateVersions DescribeInstanceTypeOfferings"
)
#: Names of the resources inside the template.
PROVIDER, GROUP, _LAUNCH, _PROFILE, _ROLE = (
    "GpuProvider", "GpuGroup", "GpuTemplate", "GpuProfile", "GpuRole",
)  # fmt: skip


def resources(site: Site) -> dict[str, dict[str, Any]]:
    """Return what the stack has for jobs with GPUs, by name inside the template."""
    machines = site.machines
    if machines is None:
        return {}
    role: dict[str, Any] = {
        "RoleName": site.machine_role_name,
        "AssumeRolePolicyDocument": trust_machines(),
        "Policies": [{"PolicyName": "flotilla", "PolicyDocument": machine_policy(site)}],
    }
    if site.permissions_boundary is not None:
        role["PermissionsBoundary"] = site.permissions_boundary
    return {
        _ROLE: {"Type": "AWS::IAM::Role", "Properties": role},
        _PROFILE: {
            "Type": "AWS::IAM::InstanceProfile",
            "Properties": {"InstanceProfileName": site.machine_role_name,
                           "Roles": [{"Ref": _ROLE}]},
        },
        _LAUNCH: {
            "Type": "AWS::EC2::LaunchTemplate",
            "Properties": {"LaunchTemplateName": site.machine_group,
                           "LaunchTemplateData": _launch(site, machines)},
        },
        GROUP: {"Type": "AWS::AutoScaling::AutoScalingGroup", "Properties": _group(site, machines)},
        PROVIDER: {"Type": "AWS::ECS::CapacityProvider", "Properties": _provider(site, machines)},
    }  # fmt: skip


def _launch(site: Site, machines: MachineGroup) -> dict[str, Any]:
    groups: list[Any] = list(site.security_groups)
    tags = [{"Key": "Name", "Value": site.machine_group},
            {"Key": "flotilla:stack", "Value": site.stack}]  # fmt: skip
    return {
        "ImageId": f"resolve:ssm:{IMAGE}",
        "InstanceType": machines.type,
        "IamInstanceProfile": {"Arn": {"Fn::GetAtt": [_PROFILE, "Arn"]}},
        # its tasks have this address as well: they are behind its bridge
        "NetworkInterfaces": [
            {
                "DeviceIndex": 0,
                "AssociatePublicIpAddress": site.assign_public_ip,
                "DeleteOnTermination": True,
                "Groups": groups or [{"Fn::GetAtt": ["SecurityGroup", "GroupId"]}],
            }
        ],
        # one hop: what is behind the bridge cannot be the machine ("Use IMDSv2",
        # docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html)
        "MetadataOptions": {
            "HttpEndpoint": "enabled", "HttpTokens": "required", "HttpPutResponseHopLimit": 1,
        },
        "BlockDeviceMappings": [
            {
                "DeviceName": _ROOT_DEVICE,
                "Ebs": {
                    "VolumeSize": DISK_GIB, "VolumeType": "gp3", "Encrypted": True,
                    "DeleteOnTermination": True,
                },
            }
        ],
        "TagSpecifications": [
            {"ResourceType": kind, "Tags": tags} for kind in ("instance", "volume")
        ],
        "UserData": {"Fn::Base64": _user_data(site)},
    }  # fmt: skip


def _user_data(site: Site) -> str:
    lines = [f"{name}={value}" for name, value in {"ECS_CLUSTER": site.cluster, **_AGENT}.items()]
    text = "\n".join(lines)
    return f"#!/bin/bash\ncat >> /etc/ecs/ecs.config <<'END'\n{text}\nEND\n"


def _group(site: Site, machines: MachineGroup) -> dict[str, Any]:
    """Return the group; how many there are to be is ECS's to say, and never the template's."""
    return {
        "AutoScalingGroupName": site.machine_group,
        # no DesiredCapacity: an update of the stack would end machines that work
        "MinSize": "0",
        "MaxSize": str(machines.most),
        "VPCZoneIdentifier": list(machines.subnets or site.subnets),
        "LaunchTemplate": {
            "LaunchTemplateId": {"Ref": _LAUNCH},
            "Version": {"Fn::GetAtt": [_LAUNCH, "LatestVersionNumber"]},
        },
        # without it there is no managed termination protection ("Control the instances Amazon ECS
        # terminates", docs.aws.amazon.com/AmazonECS/latest/developerguide/
        # managed-termination-protection.html, read 2026-11)
        "NewInstancesProtectedFromScaleIn": True,
        # ECS adds it; what is not in the template would go with the next update
        "Tags": [{"Key": "AmazonECSManaged", "Value": "true", "PropagateAtLaunch": True}],
    }


def _provider(site: Site, machines: MachineGroup) -> dict[str, Any]:
    return {
        "Name": site.machine_provider,
        "AutoScalingGroupProvider": {
            "AutoScalingGroupArn": {"Ref": GROUP},
            "ManagedScaling": {
                "Status": "ENABLED", "TargetCapacity": 100,
                "MinimumScalingStepSize": 1, "MaximumScalingStepSize": machines.most,
            },
            "ManagedTerminationProtection": "ENABLED",
            "ManagedDraining": "ENABLED",
        },
    }  # fmt: skip


def machine_policy(site: Site) -> Policy:
    """Return what a machine with GPUs may do: be one of the cluster's, and nothing else.

    Images, logs and secrets are the execution role's, files the task role's (statements of
    AmazonEC2ContainerServiceforEC2Role, docs.aws.amazon.com/AmazonECS/latest/developerguide/
    security-iam-awsmanpol.html, read 2026-11, without those).
    """
    return document(
        allow("Join", actions("ecs", _JOIN_ACTIONS), [site.cluster_arn]),
        allow(
            "Work", actions("ecs", "Poll StartTelemetrySession UpdateContainerInstancesState"),
            [site.arn("ecs", f"container-instance/{site.cluster}/*")],
        ),
        allow("FindEcs", ["ecs:DiscoverPollEndpoint"], ["*"]),
    )  # fmt: skip


def admin_policy(site: Site) -> Policy:
    """Return what `policies.admin` lacks, for machines with GPUs."""
    role = site.arn("iam", f"role/{site.machine_role_name}", is_global=True)
    profile = site.arn("iam", f"instance-profile/{site.machine_role_name}", is_global=True)
    group = f"autoScalingGroup:*:autoScalingGroupName/{site.machine_group}"
    parts = ("instance", "volume", "network-interface", "security-group", "subnet")
    template = site.arn("ec2", "launch-template/*")
    made = [site.arn("ec2", f"{part}/*") for part in parts]
    public = f"arn:{site.partition}:{{}}:{site.region}::{{}}"
    return document(
        allow("Group", actions("autoscaling", _GROUP_ACTIONS), [site.arn("autoscaling", group)]),
        allow("Template", actions("ec2", _TEMPLATE_ACTIONS), [template]),
        # whoever makes a group must be able to start its machines (docs.aws.amazon.com/autoscaling/
        # ec2/userguide/ec2-auto-scaling-launch-template-permissions.html, read 2026-11)
        allow(
            "Start", ["ec2:RunInstances"], [*made, template, public.format("ec2", "image/*")],
            {"ArnLike": {"ec2:LaunchTemplate": template}},
        ),
        allow(
            "TagMachines", ["ec2:CreateTags"], [*made[:2], template],
            {"StringEquals": {"ec2:CreateAction": ["RunInstances", "CreateLaunchTemplate"]}},
        ),
        allow(
            "Image", ["ssm:GetParameters"],
            [public.format("ssm", "parameter/aws/service/ecs/optimized-ami/*")],
        ),
        allow(
            "Provider", actions("ecs", _PROVIDER_ACTIONS),
            [site.arn("ecs", f"capacity-provider/{site.machine_provider}")],
        ),
        allow("MakeRole", actions("iam", MAKE_ROLES), [role], bounded(site)),
        allow("Role", actions("iam", ROLES), [role]),
        allow("Profile", actions("iam", _PROFILE_ACTIONS), [profile]),
        allow(
            "PassRole", ["iam:PassRole"], [role],
            {"StringEquals": {"iam:PassedToService": _EC2}},
        ),
        allow(
            "RoleOfAutoScaling", ["iam:CreateServiceLinkedRole"],
            [site.arn("iam", "role/aws-service-role/autoscaling.amazonaws.com/*", is_global=True)],
        ),
        allow("Quota", ["servicequotas:GetServiceQuota"], quotas_of_machines(site)),
        allow("See", [*actions("autoscaling", _SEE_GROUP), *actions("ec2", _SEE_TEMPLATE)], ["*"]),
    )  # fmt: skip


def trust_machines() -> Policy:
    """Return who may act as a machine's role: machines of EC2, to which nobody else gives it."""
    return document({"Effect": "Allow", "Principal": {"Service": _EC2}, "Action": "sts:AssumeRole"})
