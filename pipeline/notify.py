"""Who is told of a load: an SNS topic or a webhook gets its receipt; CloudWatch reads its figures from one log line."""

from __future__ import annotations

import json
import logging
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from pipeline.errors import UsageError
from pipeline.receipt import COUNTS, Receipt

log = logging.getLogger(__name__)

# SNS takes ASCII without control characters, and fewer than 100 of them (API reference, Publish).
_SUBJECT = 99
_NOT_IN_SUBJECT = re.compile(r"[^ -~]")
_WEBHOOK_SECONDS = 10
_NAMESPACE = "Landfall"


def check_channel(channel: str) -> str:
    """`channel` itself. Raises `UsageError` unless it is an SNS topic's ARN or an http(s) URL."""
    if channel.startswith(("arn:", "https://", "http://")):
        return channel
    raise UsageError(f"--notify {channel}: expected arn:aws:sns:... or https://...")


def notify(receipt: Receipt, channels: Iterable[str], successes: bool = False) -> None:
    """Send the receipt to every channel if the load was refused, failed or had rejects, or if `successes` are wanted.

    A channel that cannot be reached is warned of and does not change the load's result: its rows are committed.
    """
    if not (successes or noteworthy(receipt)):
        return
    for channel in channels:
        try:
            _publish(channel, receipt) if channel.startswith("arn:") else _post(channel, receipt)
        except Exception as error:  # noqa: BLE001 - whatever it is, the load stands
            log.warning("could not notify %s of load %s: %s", _host(channel), receipt.load_id, type(error).__name__)


def noteworthy(receipt: Receipt) -> bool:
    """Whether a person should hear of it: refused, failed, or loaded with rejects."""
    return receipt.status in ("refused", "failed") or bool(receipt.rows.get("rejected"))


def subject(receipt: Receipt) -> str:
    """One line of at most 99 printable ASCII characters: status, dataset, and how many rows were rejected."""
    rejected = receipt.rows.get("rejected", 0)
    text = f"Landfall: {receipt.status} {receipt.dataset or receipt.source.rsplit('/', 1)[-1]}"
    text += f", {rejected} rejected" if rejected else ""
    return _NOT_IN_SUBJECT.sub("?", text)[:_SUBJECT]


def metrics(receipt: Receipt) -> str:
    """One line of CloudWatch's embedded metric format: the counts, seconds and bytes, by dataset, and by status too."""
    units = {f"rows_{name}": "Count" for name in COUNTS} | {"seconds": "Seconds", "bytes": "Bytes", "loads": "Count"}
    definition = {
        "Namespace": _NAMESPACE,
        "Dimensions": [["dataset"], ["dataset", "status"]],
        "Metrics": [{"Name": name, "Unit": unit} for name, unit in units.items()],
    }
    facts: dict[str, Any] = {
        "_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [definition]},
        "dataset": receipt.dataset or "none",
        "status": receipt.status,
        "load_id": receipt.load_id,
        "seconds": receipt.seconds,
        "bytes": receipt.bytes or 0,
        "loads": 1,
        **{f"rows_{name}": receipt.rows.get(name, 0) for name in COUNTS},
    }
    return json.dumps(facts)


def _publish(topic: str, receipt: Receipt) -> None:
    import boto3

    region = topic.split(":")[3]
    boto3.client("sns", region_name=region).publish(TopicArn=topic, Subject=subject(receipt), Message=receipt.as_json())


def _post(url: str, receipt: Receipt) -> None:
    request = urllib.request.Request(  # noqa: S310 - check_channel allows http and https only
        url, receipt.as_json().encode(), {"Content-Type": "application/json", "User-Agent": "landfall"}
    )
    with urllib.request.urlopen(request, timeout=_WEBHOOK_SECONDS):  # noqa: S310 - as above  # nosec B310
        pass


def _host(channel: str) -> str:
    """The channel without what may be secret: of a webhook's URL the scheme, the host's name and the port are left."""
    if channel.startswith("arn:"):
        return channel
    try:
        parts = urlsplit(channel)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "a webhook"
    name = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{name}" + (f":{port}" if port else "")
