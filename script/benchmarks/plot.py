"""Plots as SVG, written by hand: points of each round, their medians, and the line fitted to these."""

import math
from html import escape
from pathlib import Path

from .fit import Line

WIDTH, HEIGHT = 560, 360
LEFT, RIGHT, TOP, BOTTOM = 70, 20, 40, 55
INK, FAINT, POINT = "#222", "#ccc", "#1f6fb4"


def write(path: Path, title: str, x_name: str, y_name: str, medians: list[tuple[float, float]],
          points: list[tuple[float, float]], fitted: Line | None = None) -> None:
    x_ticks = ticks(max(x for x, _ in medians))
    y_ticks = ticks(max(y for _, y in points))
    x_end, y_end = x_ticks[-1], y_ticks[-1]

    def at(x: float, y: float) -> tuple[float, float]:
        """Of a value, in pixels."""
        return (LEFT + (WIDTH - LEFT - RIGHT) * x / x_end, HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * y / y_end)

    marks = [text(WIDTH / 2, 22, title, size=15)]
    for tick in y_ticks:
        _, y = at(0, tick)
        marks += [stroke([(LEFT, y), (WIDTH - RIGHT, y)], FAINT), text(LEFT - 8, y + 4, f"{tick:g}", "end")]
    for tick in x_ticks:
        x, y = at(tick, 0)
        marks += [stroke([(x, y), (x, y + 5)], INK), text(x, y + 19, f"{tick:g}")]
    marks += [stroke([at(0, 0), at(x_end, 0)], INK), stroke([at(0, 0), at(0, y_end)], INK),
              text(WIDTH / 2, HEIGHT - 14, x_name),
              text(18, HEIGHT / 2, y_name, turned=True)]
    if fitted:
        ends = [(x, min(max(fitted(x), 0), y_end)) for x in (medians[0][0], medians[-1][0])]
        marks.append(stroke([at(*end) for end in ends], POINT, "5 4"))
    marks += [dot(*at(*point), 2.5, FAINT) for point in points]
    marks += [dot(*at(*point), 4.5, POINT) for point in medians]
    path.write_text(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}"'
                    f' height="{HEIGHT}" font-family="sans-serif" font-size="12">\n'
                    f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>\n' + "\n".join(marks) + "\n</svg>\n")


def ticks(largest: float) -> list[float]:
    """From 0 to at least `largest`, four to eight of them, in round steps."""
    if largest <= 0:
        return [0, 1]
    power = 10 ** math.floor(math.log10(largest))
    step = next(step * power for step in (0.1, 0.2, 0.25, 0.5, 1, 2) if largest / (step * power) <= 7)
    return [round(number * step, 12) for number in range(math.ceil(largest / step - 1e-9) + 1)]


def stroke(points: list[tuple[float, float]], colour: str, dashes: str | None = None) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'<polyline points="{path}" fill="none" stroke="{colour}"{dashed}/>'


def dot(x: float, y: float, radius: float, colour: str) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{colour}"/>'


def text(x: float, y: float, words: str, anchor: str = "middle", size: int = 12, turned: bool = False) -> str:
    turn = f' transform="rotate(-90 {x} {y})"' if turned else ""
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{INK}"{turn}>'
            f"{escape(words)}</text>")
