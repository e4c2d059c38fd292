"""When a bucket deletes by its own rules what is in it."""

from collections.abc import Iterable, Mapping
from typing import Any


def expire_days(rules: Iterable[Mapping[str, Any]], prefix: str) -> int | None:
    """Return after how many days rules delete all that is below a prefix; None: never.

    A rule for sizes counts as well: it may be just the results that are so large. One for tags does
    not: nothing here has any; nor does one that names a day, which is for once.

    Parameters
    ----------
    rules
        As GetBucketLifecycleConfiguration returns them
        (docs.aws.amazon.com/AmazonS3/latest/API/API_LifecycleRule.html, read 2026-11).

    Examples
    --------
    >>> expire_days([{"Status": "Enabled", "Filter": {"Prefix": "ada/"},
    ...               "Expiration": {"Days": 30}}], "ada/runs/")
    30
    """
    days = [
        int(rule["Expiration"]["Days"])
        for rule in rules
        if rule.get("Status") == "Enabled"
        and "Days" in rule.get("Expiration", {})
        and _covers(rule, prefix)
    ]
    return min(days, default=None)


def _covers(rule: Mapping[str, Any], prefix: str) -> bool:
    condition = rule.get("Filter") or {}
    both = condition.get("And") or condition
    if "Tag" in condition or both.get("Tags"):
        return False
    # older rules have their prefix beside the filter
    of_rule = both.get("Prefix", rule.get("Prefix")) or ""
    return prefix.startswith(of_rule)
