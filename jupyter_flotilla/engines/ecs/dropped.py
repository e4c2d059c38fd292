"""A tick that AWS's scheduler has given up, as its dead-letter queue has it.

Source: docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html, read 2026-11.
Never verified on AWS.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from jupyter_flotilla.engines.cloud import Dropped
from jupyter_flotilla.model.cloud_calendar import read_moment


def read_dropped(message: Mapping[str, Any]) -> Dropped | None:
    """Return the tick of a dead letter; None: it is none of ours."""
    attributes = {
        name: str(one.get("StringValue", ""))
        for name, one in (message.get("MessageAttributes") or {}).items()
    }
    with suppress(ValueError, TypeError, KeyError, AttributeError, RecursionError):
        token = str(json.loads(message["Body"])["ClientToken"])
        schedule_id, _, at = token.partition("-")
        moment = read_moment(at)
        if moment is None:
            return None
        words = [attributes.get(name, "") for name in ("ERROR_CODE", "ERROR_MESSAGE")]
        return Dropped(
            schedule_id=schedule_id, scheduled_at=moment,
            reason=": ".join(filter(None, words))[:1000] or "AWS says no reason",
            given_up_at=datetime.fromtimestamp(
                int(message["Attributes"]["SentTimestamp"]) / 1000, UTC
            ),
            receipt=str(message["ReceiptHandle"]),
        )  # fmt: skip
    return None
