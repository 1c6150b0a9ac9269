"""The command line is the contract of the trigger and the pipeline: the real parser reads what it sends."""

from __future__ import annotations

import json

import pytest

from trigger_lambda import handler

cli = pytest.importorskip("pipeline.cli", reason="the pipeline's command line is not installed here")


def test_the_pipeline_parses_the_command_of_the_trigger() -> None:
    uploads = [
        {"bucket": "landing", "key": key, "versionId": version, "etag": "e", "size": 1, "sequencer": "0A"}
        for key, version in [("orders/a b+c%.csv", "v1"), ('größe "🌊"\n.csv', None), ("--force", "v3")]
    ]
    size = handler.sizes()[0]
    name, *arguments = handler.overrides(uploads, 1, size)["containerOverrides"][0]["command"]
    command = cli.main.commands[name]
    given = command.make_context(name, arguments).params["objects_json"]
    assert (json.loads(given) if isinstance(given, str) else given) == uploads
