"""Who is told of which load, and what they get."""

from __future__ import annotations

import http.server
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from pipeline.errors import UsageError
from pipeline.notify import check_channel, metrics, noteworthy, notify, subject
from pipeline.receipt import COUNTS, Receipt

LOADED = Receipt("id", "loaded", "orders", "sales.orders", "s3://b/k.csv", seconds=1.5, bytes=10)
REJECTS = replace(LOADED, rows={**dict.fromkeys(COUNTS, 0), "read": 3, "inserted": 1, "rejected": 2})


@pytest.fixture
def webhook() -> Iterator[tuple[str, list[dict[str, object]]]]:
    got: list[dict[str, object]] = []

    class Hook(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(500 if self.path == "/broken" else 204)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = http.server.HTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", got
    server.shutdown()


@pytest.mark.parametrize(
    ("receipt", "told"),
    [
        (LOADED, False),
        (REJECTS, True),
        (replace(LOADED, status="refused"), True),
        (replace(LOADED, status="failed"), True),
        (replace(LOADED, status="already_loaded"), False),
    ],
)
def test_only_what_needs_a_person_is_told(
    receipt: Receipt, told: bool, webhook: tuple[str, list[dict[str, object]]]
) -> None:
    url, got = webhook
    notify(receipt, [url])
    assert noteworthy(receipt) is told
    assert [entry["status"] for entry in got] == ([receipt.status] if told else [])


def test_successes_are_told_when_asked(webhook: tuple[str, list[dict[str, object]]]) -> None:
    url, got = webhook
    notify(LOADED, [url], successes=True)
    assert got[0]["load_id"] == "id"


def test_a_broken_channel_is_warned_of_without_its_secret_and_the_next_is_told(
    webhook: tuple[str, list[dict[str, object]]], caplog: pytest.LogCaptureFixture
) -> None:
    url, got = webhook
    notify(REJECTS, [f"{url}/broken", "http://127.0.0.1:9/token-abc", url])
    assert len(got) == 2
    assert "could not notify http://127.0.0.1:9 of load id" in caplog.text
    assert "token-abc" not in caplog.text


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://user:s3cret@127.0.0.1:9/hook", "https://127.0.0.1:9 "),
        ("https://hooks.invalid?token=s3cret", "https://hooks.invalid "),
        ("https://hooks.invalid#k=s3cret", "https://hooks.invalid "),
        ("http://[::1]:9/s3cret", "http://[::1]:9 "),
        ("https://hooks.invalid:s3cret/", "a webhook "),
        ("https://[s3cret/", "a webhook "),
    ],
)
def test_a_broken_channel_is_named_by_its_host_only(url: str, shown: str, caplog: pytest.LogCaptureFixture) -> None:
    notify(REJECTS, [url])
    assert f"could not notify {shown}of load id" in caplog.text
    assert "s3cret" not in caplog.text


@pytest.mark.parametrize("channel", ["ftp://x", "topic", "file:///etc/passwd"])
def test_other_channels_are_usage_errors(channel: str) -> None:
    with pytest.raises(UsageError, match="--notify"):
        check_channel(channel)


def test_the_subject_is_short_and_ascii() -> None:
    text = subject(replace(REJECTS, dataset="größen" * 40))
    assert len(text) == 99
    assert text.isascii()
    assert subject(REJECTS) == "Landfall: loaded orders, 2 rejected"


def test_metrics_are_one_line_in_the_embedded_format() -> None:
    line = metrics(REJECTS)
    facts = json.loads(line)
    (directive,) = facts["_aws"]["CloudWatchMetrics"]
    assert "\n" not in line
    assert facts["rows_rejected"] == 2
    assert {metric["Name"] for metric in directive["Metrics"]} <= set(facts)
    assert all(name in facts for names in directive["Dimensions"] for name in names)


@pytest.mark.parametrize(
    "name", ["a\nb.csv", "a\rb\x1b[31m\x7f.csv", "é\u2028b.csv", *("a" * length for length in range(75, 82))]
)
def test_the_subject_is_one_that_sns_takes(name: str) -> None:
    """The API reference, Publish: ASCII, no line breaks or control characters, less than 100 characters."""
    text = subject(replace(LOADED, status="failed", dataset=None, source=f"s3://b/{name}"))
    assert re.fullmatch(r"Landfall: failed [ -~]+", text)
    assert len(text) < 100
