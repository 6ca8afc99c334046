"""The sweeps of `growth`: what is changed, what is measured, and which shape it should have."""

import argparse
import json
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from . import fit, focus_run, photograph, plot, programs, report, tiles
from . import options as bench_options

STRAIGHT = 0.98  # R² from which points count as a straight line


@dataclass
class Sweep:
    name: str
    title: str
    x_name: str
    expected: str  # in words
    points: list[tuple[float, float]]  # x and seconds, each round's
    must_be_straight: bool = True

    @property
    def medians(self) -> list[tuple[float, float]]:
        return [(x, statistics.median(seconds for place, seconds in self.points if place == x))
                for x in sorted({x for x, _ in self.points})]

    def holds(self) -> bool:
        if not fit.rises(self.medians):
            return False
        return not self.must_be_straight or len(self.medians) < 3 or fit.line(self.medians).r_squared >= STRAIGHT

    def verdict(self) -> str:
        fitted = fit.line(self.medians)
        few = " (two points make a line of anything)" if len(self.medians) < 3 else ""
        monotone = "never falls" if fit.rises(self.medians) else "falls somewhere"
        return (f"Should be {self.expected}. It is{'' if self.holds() else ' NOT'}:"
                f" {report.seconds(fitted.intercept)} + {report.seconds(fitted.slope)} × {self.x_name},"
                f" R² {fitted.r_squared:.4f}{few}; it {monotone}.")

    def figures(self) -> dict:
        fitted = fit.line(self.medians)
        return {"name": self.name, "x": self.x_name, "expected": self.expected, "holds": self.holds(),
                "medians": self.medians, "points": self.points,
                "line": {"intercept": fitted.intercept, "slope": fitted.slope, "r_squared": fitted.r_squared}}

    def plot(self, path: Path) -> None:
        plot.write(path, self.title, self.x_name, "seconds for an image", self.medians, self.points,
                   fit.line(self.medians))


class Bench:
    """Asks about one image at a time, never about the same one twice."""

    def __init__(self, program: Path, options: argparse.Namespace, folder: Path):
        self.program = program
        self.options = options
        self.folder = folder
        self.size = options.size or tiles.largest_image(bench_options.vision_file(options))

    def loaded(self, budget: float | None = None) -> focus_run.FocusRun:
        return focus_run.FocusRun(self.program, self.options, self.folder,
                                  ["--cache", "none", "--visual-budget", budget or self.options.budget])

    def seconds(self, focus: focus_run.FocusRun, seed: str, questions: int = 1, size: tuple[int, int] | None = None,
                **parameters) -> float:
        image = photograph.photographs(self.folder, 1, size or self.size, seed)[0]
        job = focus_run.job(seed, image, focus_run.questions(questions, 1), max_tokens=self.options.max_tokens,
                            **parameters)
        seconds = focus.ask([job]).seconds
        image.unlink()
        print(f"{seed}: {report.seconds(seconds)}", file=sys.stderr)
        return seconds


def vision(bench: Bench) -> Sweep:
    points = []
    for count in bench.options.tiles:
        printed = programs.output(
            [bench.program, "bench", *bench_options.model_flags(bench.options), "--json", "--stage", "vision",
             "--tiles", count, "--repetitions", bench.options.rounds], stderr=subprocess.DEVNULL)
        stage, = json.loads(printed)["stages"]
        points += [(count, seconds) for seconds in stage["seconds"]]
    return Sweep("vision", "The vision tower and projector by tiles", "tiles", "a straight line", points)


def tiles_of_jobs(bench: Bench) -> Sweep | None:
    """None for a model that sees one tile of any image."""
    sizes = tiles.image_sizes(bench_options.vision_file(bench.options))
    if len(sizes) < 2:
        return None
    with bench.loaded() as focus:
        points = [(count, bench.seconds(focus, f"{count} tiles, {number}", size=size, compression="none",
                                        selection="none"))
                  for number in range(bench.options.rounds) for count, size in sizes.items()]
    # Attention grows with the square of the tokens; beside the other products it is small.
    return Sweep("tiles", "A job by its image's tiles, neither compressed nor selected", "tiles",
                 "a straight line, or steeper at its end", points, must_be_straight=False)


def questions(bench: Bench) -> Sweep:
    with bench.loaded() as focus:
        points = [(count, bench.seconds(focus, f"{count} questions, {number}", questions=count, selection="shared",
                                        selection_ratio=bench.options.ratio))
                  for number in range(bench.options.rounds) for count in bench.options.questions]
    return Sweep("questions", "A job by its questions, with shared selection", "questions",
                 "a constant for the image and a straight line", points)


def budgets(bench: Bench) -> Sweep:
    points = []
    for budget in bench.options.budgets:
        with bench.loaded(budget) as focus:
            points += [(budget, bench.seconds(focus, f"budget {budget:g}, {number}", selection="none"))
                       for number in range(bench.options.rounds)]
    return Sweep("budget", "A job by its budget, without selection", "budget",
                 "a constant for the vision tower, then rising, or steeper at its end", points, must_be_straight=False)


def ratios(bench: Bench) -> Sweep:
    with bench.loaded() as focus:
        points = [(ratio, bench.seconds(focus, f"ratio {ratio:g}, {number}", compression="none", selection="prune",
                                        selection_ratio=ratio))
                  for number in range(bench.options.rounds) for ratio in bench.options.ratios]
    return Sweep("ratio", "A job by its ratio, pruned, not compressed", "ratio",
                 "a constant for the lower layers, then rising, or steeper at its end", points, must_be_straight=False)


SWEEPS = {"vision": vision, "tiles": tiles_of_jobs, "questions": questions, "budget": budgets, "ratio": ratios}
