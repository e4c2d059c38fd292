"""What else is asked of an account: who am I, vCPU quotas and their use, and log streams."""

from collections.abc import Callable
from dataclasses import dataclass, field

from jupyter_flotilla.testing.fake_ecs.refusals import Json, ServiceError
from jupyter_flotilla.testing.fake_ecs.world import World

#: Quota code → name, and its class in the metric. Source: "Amazon ECS endpoints and quotas",
#: docs.aws.amazon.com/general/latest/gr/ecs-service.html, read 2026-11.
_QUOTAS = {
    "L-3032A538": ("Fargate On-Demand vCPU resource count", "Standard/OnDemand"),
    "L-36FBB829": ("Fargate Spot vCPU resource count", "Standard/Spot"),
}


class Account:
    """Answers of STS, Service Quotas and CloudWatch.

    Parameters
    ----------
    world
        Settings and time.
    used_vcpu
        Tells how many vCPU run now, on Spot or not.
    """

    def __init__(self, world: World, used_vcpu: Callable[[bool], float]) -> None:
        self._world = world
        self._used_vcpu = used_vcpu

    def identity(self, _: Json) -> Json:
        """Answer GetCallerIdentity."""
        account = self._world.settings.account
        return {
            "UserId": "AROAEXAMPLE:me",
            "Account": account,
            "Arn": f"arn:aws:sts::{account}:assumed-role/notebook/me",
        }

    def quota(self, params: Json) -> Json:
        """Answer GetServiceQuota."""
        code = params["QuotaCode"]
        if params["ServiceCode"] != "fargate" or code not in _QUOTAS:
            raise ServiceError(
                "NoSuchResourceException", "The request failed because the specified service or "
                "quota does not exist.",
            )  # fmt: skip
        name, kind = _QUOTAS[code]
        settings = self._world.settings
        return {
            "Quota": {
                "ServiceCode": "fargate",
                "ServiceName": "AWS Fargate",
                "QuotaArn": self._world.arn(f"fargate/{code}", service="servicequotas"),
                "QuotaCode": code,
                "QuotaName": name,
                "Value": settings.spot_vcpu if "Spot" in kind else settings.on_demand_vcpu,
                "Unit": "None",
                "Adjustable": True,
                "GlobalQuota": False,
                "UsageMetric": {
                    "MetricNamespace": "AWS/Usage",
                    "MetricName": "ResourceCount",
                    "MetricDimensions": {
                        "Service": "Fargate", "Type": "Resource", "Resource": "vCPU",
                        "Class": kind,
                    },
                    "MetricStatisticRecommendation": "Maximum",
                },
            }
        }  # fmt: skip

    def metric_statistics(self, params: Json) -> Json:
        """Answer GetMetricStatistics: one point, the use of now."""
        value = self._usage(params)
        if value is None:
            return {"Label": params["MetricName"], "Datapoints": []}
        point: Json = {"Timestamp": self._world.now, "Unit": "None"}
        point.update({name: value for name in params.get("Statistics", ())})
        return {"Label": params["MetricName"], "Datapoints": [point]}

    def metric_data(self, params: Json) -> Json:
        """Answer GetMetricData: one point a query, the use of now."""
        results = []
        for query in params["MetricDataQueries"]:
            value = self._usage(query.get("MetricStat", {}).get("Metric", {}))
            results.append({
                "Id": query["Id"],
                "Label": query.get("Label", query["Id"]),
                "Timestamps": [] if value is None else [self._world.now],
                "Values": [] if value is None else [value],
                "StatusCode": "Complete",
            })  # fmt: skip
        return {"MetricDataResults": results, "Messages": []}

    def _usage(self, metric: Json) -> float | None:
        if (metric.get("Namespace"), metric.get("MetricName")) != ("AWS/Usage", "ResourceCount"):
            return None
        dimensions = {one["Name"]: one["Value"] for one in metric.get("Dimensions", ())}
        if (dimensions.get("Service"), dimensions.get("Resource")) != ("Fargate", "vCPU"):
            return None
        return float(self._used_vcpu("Spot" in dimensions.get("Class", "")))


@dataclass(slots=True)
class _Stream:
    events: list[Json] = field(default_factory=list)


class Logs:
    """CloudWatch Logs, read only; tests write with `append`.

    Source: GetLogEvents' API reference, read 2026-11: equal tokens are the end of a stream, an
    empty page is not.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._streams: dict[tuple[str, str], _Stream] = {}
        #: Most events of a page.
        self.page_events = 10_000
        #: Whether each page comes with an empty one before it, as real ones may.
        self.has_empty_pages = False

    def append(self, group: str, stream: str, *messages: str) -> None:
        """Write lines into a stream, which is created if need be."""
        at = int(self._world.now * 1000)
        events = self._streams.setdefault((group, stream), _Stream()).events
        events += [{"timestamp": at, "ingestionTime": at, "message": one} for one in messages]

    def get_events(self, params: Json) -> Json:
        """Answer GetLogEvents."""
        stream = self._streams.get((params.get("logGroupName", ""), params["logStreamName"]))
        if stream is None:
            raise ServiceError(
                "ResourceNotFoundException", "The specified log stream does not exist."
            )
        limit = min(params.get("limit", self.page_events), self.page_events)
        token = params.get("nextToken")
        total = len(stream.events)
        if token is None:
            start = 0 if params.get("startFromHead") else max(0, total - limit)
        else:
            start = int(token.partition("/")[2].rstrip("e"))
            if token.startswith("b"):
                start, limit = max(0, start - limit), min(limit, start)
        is_forward = token is None or token.startswith("f")
        if (
            self.has_empty_pages
            and is_forward
            and start < total
            and not (token or "").endswith("e")
        ):
            return _log_page([], f"f/{start}e", f"b/{start}")
        events = stream.events[start : start + limit]
        end = start + len(events)
        return _log_page(events, f"f/{end}", f"b/{start}")


def _log_page(events: list[Json], forward: str, backward: str) -> Json:
    return {"events": events, "nextForwardToken": forward, "nextBackwardToken": backward}
