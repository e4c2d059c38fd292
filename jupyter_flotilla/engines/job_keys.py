"""Keys of AWS that reach one attempt's files and nothing else."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from jupyter_flotilla.errors import ArtifactsUnavailable
from jupyter_flotilla.model.job import Bucket
from jupyter_flotilla.protocol import CHECKPOINT

#: Makes AWS variables from a policy, for so many seconds.
MakeKeys = Callable[[Mapping[str, Any], int], Mapping[str, str]]

#: Regions whose names begin so → their part of AWS, as it is in names of resources
#: (docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html, read 2026-11).
_PARTITIONS = (("cn-", "aws-cn"), ("us-gov-", "aws-us-gov"))


def partition_of(region: str) -> str:
    """Return a region's part of AWS, as it is in names of resources."""
    return next((part for begin, part in _PARTITIONS if region.startswith(begin)), "aws")


def attempt_policy(
    region: str, bucket: str, run_prefix: str, number: int, earlier: str | None = None
) -> dict[str, Any]:
    """Return what a job may do: read its input, write its attempt, go on from an earlier save.

    Parameters
    ----------
    earlier
        Prefix of the attempt whose save is restored, without a slash at its end.
    """
    top = f"arn:{partition_of(region)}:s3:::{bucket}/"
    run = f"{top}{run_prefix}"
    attempt = f"{run}attempts/{number}/"
    readable = [f"{run}input.json", f"{run}input/*", f"{attempt}*"]
    if earlier is not None:
        readable.append(f"{top}{earlier}/{CHECKPOINT}*")
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "s3:GetObject", "Resource": readable},
            {
                "Effect": "Allow",
                "Action": ["s3:PutObject", "s3:AbortMultipartUpload"],
                "Resource": f"{attempt}*",
            },
            {
                "Effect": "Allow",
                "Action": "s3:DeleteObject",
                "Resource": f"{attempt}{CHECKPOINT}/*",
            },
        ],
    }


def federated_keys(bucket: Bucket) -> MakeKeys:
    """Return what gets keys of a policy from STS, by the user's own."""

    def get(policy: Mapping[str, Any], seconds: int) -> Mapping[str, str]:
        import boto3
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            sts = boto3.client("sts", region_name=bucket.region, endpoint_url=bucket.endpoint)
            found = sts.get_federation_token(
                Name="flotilla", Policy=json.dumps(policy), DurationSeconds=seconds
            )["Credentials"]
        except (BotoCoreError, ClientError) as error:
            raise ArtifactsUnavailable(
                f"no keys can be had for one job alone: {error}",
                next_step="use an IAM user that may call sts:GetFederationToken, or unset "
                "artifacts: keys of your own never go into a container",
            ) from error
        return {
            "AWS_ACCESS_KEY_ID": found["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": found["SecretAccessKey"],
            "AWS_SESSION_TOKEN": found["SessionToken"],
        }

    return get
