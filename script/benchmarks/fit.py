"""Whether measured points have the shape that they should have."""

import statistics
from dataclasses import dataclass

SLACK = 0.03  # a fall by so small a share is noise


@dataclass(frozen=True)
class Line:
    """The least-squares line through points."""

    intercept: float
    slope: float
    r_squared: float

    def __call__(self, x: float) -> float:
        return self.intercept + self.slope * x


def line(points: list[tuple[float, float]]) -> Line:
    xs, ys = zip(*points)
    slope, intercept = statistics.linear_regression(xs, ys) if len(set(xs)) > 1 else (0.0, statistics.mean(ys))
    mean = statistics.mean(ys)
    total = sum((y - mean) ** 2 for y in ys)
    left = sum((y - intercept - slope * x) ** 2 for x, y in points)
    return Line(intercept, slope, 1 - left / total if total else 1.0)


def rises(points: list[tuple[float, float]]) -> bool:
    """Whether no point lies below the one before it by more than noise."""
    return all(later >= earlier * (1 - SLACK) for (_, earlier), (_, later) in zip(points, points[1:]))


def crossing(points: list[tuple[float, float]]) -> float | None:
    """Where the values turn from below zero to above, between two points; None where they do not."""
    for (x0, y0), (x1, y1) in zip(points, points[1:]):
        if y0 < 0 <= y1:
            return x0 - y0 * (x1 - x0) / (y1 - y0)
    return None
