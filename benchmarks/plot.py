"""The plot of the results, as SVG: seconds by program, and seconds by number of rows. Readable on light and on dark."""

from __future__ import annotations

import math
from statistics import median
from typing import Any
from xml.sax.saxutils import escape

ROWS = 6_001_215  # of lineitem at scale 1
GREY, OURS, THEIRS, OTHERS = "#808890", "#2f81f7", "#c98a1b", "#8a94a0"
WIDTH, LEFT, BAR, GAP = 800, 210, 18, 8
HEIGHT, TOP = 300, 40
Result = dict[str, Any]


def scale(name: str) -> float:
    """1.0 of `SF1 CSV append`."""
    return float(name.split()[0].removeprefix("SF"))


def svg(results: list[Result]) -> str:
    """Both panels, each as far as it was measured."""
    bars, height = _bars(_programs(results))
    lines, below = _lines([r for r in results if r["group"] == "sizes" and r["runs"]], height)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {below}" '
        f'font-family="sans-serif" font-size="13" fill="{GREY}">\n' + "\n".join([*bars, *lines]) + "\n</svg>\n"
    )


def _wall(result: Result, side: str = "runs") -> float:
    return float(median(run["wall"] for run in result[side]))


def _programs(results: list[Result]) -> list[tuple[str, float, str]]:
    """Name, seconds and colour, the fastest first; psql by the median of all its runs beside them."""
    peers = [result for result in results if result["group"] == "peers" and result["runs"]]
    if not peers:
        return []
    found = []
    for result in peers:
        name = result["name"].partition(": ")[2]
        found.append((name, _wall(result), OURS if name == "landfall" else OTHERS))
    psql = median(run["wall"] for result in peers for run in result["baseline_runs"])
    return sorted([*found, ("psql \\copy", psql, THEIRS)], key=lambda bar: bar[1])


def _bars(programs: list[tuple[str, float, str]]) -> tuple[list[str], int]:
    if not programs:
        return [], 0
    longest = max(seconds for _, seconds, _ in programs)
    drawn, y = [_text(10, 20, "Seconds to load the same CSV file, by program", "start")], TOP
    for name, seconds, colour in programs:
        width = max(1.0, (WIDTH - LEFT - 80) * seconds / longest)
        drawn.append(_text(LEFT - 10, y + BAR - 4, name, "end"))
        drawn.append(f'<rect x="{LEFT}" y="{y}" width="{width:.1f}" height="{BAR}" fill="{colour}"/>')
        drawn.append(_text(LEFT + width + 6, y + BAR - 4, f"{seconds:.1f} s", "start"))
        y += BAR + GAP
    return drawn, y + 20


def _lines(results: list[Result], top: int) -> tuple[list[str], int]:
    """Both axes logarithmic: a slope of one is a cost in proportion to rows."""
    if len(results) < 2:
        return [], top
    ordered = sorted(results, key=lambda result: scale(result["name"]))
    sides = {"landfall": ("runs", OURS), "psql \\copy": ("baseline_runs", THEIRS)}
    walls = [_wall(result, side) for result in ordered for side, _ in sides.values()]
    scales = [scale(result["name"]) for result in ordered]
    x = _axis(scales, LEFT, WIDTH - 120)
    y = _axis(walls, top + HEIGHT - 45, top + TOP)
    drawn = [_text(10, top + 20, "Seconds by size, both axes logarithmic", "start")]
    drawn += [_text(x(size), top + HEIGHT, f"SF{size:g}", "middle") for size in scales]
    for name, (side, colour) in sides.items():
        points = [(x(scale(result["name"])), y(_wall(result, side)), _wall(result, side)) for result in ordered]
        path = " ".join(f"{across:.1f},{down:.1f}" for across, down, _ in points)
        drawn.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        drawn += [f'<circle cx="{across:.1f}" cy="{down:.1f}" r="4" fill="{colour}"/>' for across, down, _ in points]
        below = 18 if name != "landfall" else -9
        drawn += [_text(across, down + below, f"{wall:.1f} s", "middle") for across, down, wall in points]
        drawn.append(_text(points[-1][0] + 30, points[-1][1] + 4 + below / 2, name, "start", colour))
    return drawn, top + HEIGHT + 20


def _axis(values: list[float], start: float, end: float) -> Any:
    low, high = math.log(min(values)), math.log(max(values))
    return lambda value: start + (end - start) * (math.log(value) - low) / ((high - low) or 1)


def _text(x: float, y: float, words: str, anchor: str, colour: str = GREY) -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" fill="{colour}">{escape(words)}</text>'
