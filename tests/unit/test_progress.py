"""What a run tells while it works."""

from __future__ import annotations

from io import StringIO

from pipeline.progress import Terminal


def test_a_name_is_not_taken_for_markup() -> None:
    shown, text = Terminal(), StringIO()
    console = shown._display.console
    console.file, console.width = text, 200
    shown.stage("fetch", "x[/b] y[bold]\x1b[31m.csv")
    console.print(shown._display)
    assert r"fetch x[/b] y[bold]\x1b[31m.csv" in text.getvalue()
