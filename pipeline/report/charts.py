"""Charts as inline SVG: stacked bars over time, one bar of parts, the small shape of a column's values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from pipeline.report.markup import Html, tag

_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 1000, 170, 56, 22
_WIDEST = 44


@dataclass(frozen=True)
class Bar:
    """One stack: `values` in the order of the chart's series. `label` stands below, `said` is its tooltip."""

    label: str
    said: str
    values: tuple[float, ...]
    marked: bool = False


def bars(title: str, stacks: Sequence[Bar], series: Sequence[tuple[str, str]], unit: str = "") -> Html:
    """A figure of stacks side by side. `series`: each part's name and class."""
    top = _nice(max((sum(stack.values) for stack in stacks), default=0))
    step = (_WIDTH - _LEFT) / max(len(stacks), 1)
    drawn = [_stack(stack, _LEFT + place * step, step, top, series) for place, stack in enumerate(stacks)]
    shown = range(0, len(stacks), max(1, ceil(len(stacks) / 8)))
    labels = [
        tag("text", stacks[place].label, x=round(_LEFT + (place + 0.5) * step, 1), y=_HEIGHT - 5, text_anchor="middle")
        for place in shown
    ]
    picture = tag(
        "svg", *_grid(top, unit), *drawn, *labels, viewBox=f"0 0 {_WIDTH} {_HEIGHT}", class_="chart", role="img",
        aria_label=f"{title}: {len(stacks)} bars, at most {_number(top)}{unit}",
    )  # fmt: skip
    names = legend([(name, kind, "") for name, kind in series]) if len(series) > 1 else None
    return tag("figure", tag("figcaption", title), picture, names)


def parts(title: str, counts: Sequence[tuple[str, str, int]]) -> Html:
    """One bar of a whole in parts, with a legend that has the numbers. `counts`: name, class and count."""
    whole = sum(count for _, _, count in counts) or 1
    drawn, start = [], 0.0
    for name, kind, count in counts:
        width = count / whole * _WIDTH
        # The smallest part stays visible: a hair, which its neighbour gives up.
        said = tag("title", f"{name}: {count:,}")
        drawn.append(tag("rect", said, x=round(start, 2), y=0, width=round(max(width, 2.5), 2), height=18, class_=kind))
        start += width
    picture = tag(
        "svg", *drawn, viewBox=f"0 0 {_WIDTH} 18", class_="chart", role="img", preserveAspectRatio="none",
        aria_label=f"{title}: " + ", ".join(f"{count:,} {name}" for name, _, count in counts),
    )  # fmt: skip
    return tag("figure", picture, legend([(name, kind, f"{count:,} ") for name, kind, count in counts]))


def legend(entries: Sequence[tuple[str, str, str]]) -> Html:
    """What the colours mean: name, class and what stands before the name."""
    key = [
        tag("li", _swatch(kind), tag("strong", before) if before else None, name)
        for name, kind, before in entries
    ]  # fmt: skip
    return tag("ul", *key, class_="legend")


def shape(heights: Sequence[int], said: str) -> Html | None:
    """A small histogram."""
    most = max(heights, default=0)
    if not most:
        return None
    drawn = [
        _rect(place * 6, 24 - max(each / most * 23, 1), 5, max(each / most * 23, 1), "bar")
        for place, each in enumerate(heights)
        if each
    ]
    return tag("svg", *drawn, viewBox="0 0 120 24", width=120, height=24, role="img", aria_label=said)


def _swatch(kind: str) -> Html:
    square = tag("rect", width=10, height=10, rx=2, class_=kind)
    return tag("svg", square, width=10, height=10, aria_hidden="true")


def _grid(top: float, unit: str) -> list[Html]:
    lines: list[Html] = []
    for part in (0, 0.5, 1):
        y = round(_base() - part * (_base() - 8), 1)
        lines.append(tag("line", x1=_LEFT, x2=_WIDTH, y1=y, y2=y, class_="grid"))
        lines.append(tag("text", _number(top * part) + unit, x=_LEFT - 8, y=y + 4, text_anchor="end"))
    return lines


def _stack(stack: Bar, left: float, step: float, top: float, series: Sequence[tuple[str, str]]) -> Html:
    width = min(step * 0.72, _WIDEST)
    x, y = left + (step - width) / 2, float(_base())
    drawn = [tag("title", stack.said)]
    for value, (_, kind) in zip(stack.values, series, strict=True):
        height = value / top * (_base() - 8)
        if value:
            y -= height
            drawn.append(_rect(x, y, width, max(height, 1.2), kind))
    if stack.marked:
        drawn.append(_rect(x, _base() + 1.5, width, 2.5, "marked"))
    return tag("g", *drawn)


def _rect(x: float, y: float, width: float, height: float, kind: str) -> Html:
    return tag("rect", x=round(x, 2), y=round(y, 2), width=round(width, 2), height=round(height, 2), class_=kind)


def _base() -> int:
    return _HEIGHT - _BOTTOM


def _nice(most: float) -> float:
    """The next round number: 1, 2 or 5 times a power of ten."""
    if most <= 0:
        return 1
    power: float = 10.0 ** floor(log10(most))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= most)


def _number(value: float) -> str:
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value:.3g}"
