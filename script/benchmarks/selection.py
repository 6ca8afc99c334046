"""Prune against shared by the number of questions: time, agreement of answers, and where their costs cross.

Each round asks the same questions on the same new images with no selection, with prune and with shared, one job at a
time. Agreement is the share of answers that are equal, and how far answers are equal from their start, in characters of
the longer one. With random weights one changed token changes the rest: the common start tells more than equality.
"""

import argparse
import itertools
import os
import statistics
import sys
import tempfile
from pathlib import Path

from . import fit, focus_run, photograph, programs, report, tiles
from . import options as bench_options

MODES = ("none", "prune", "shared")


def add_options(parser: argparse.ArgumentParser) -> None:
    bench_options.add_model(parser)
    bench_options.add_rounds(parser)
    bench_options.add_sampling(parser)
    bench_options.add_image_size(parser)
    parser.add_argument("--questions", type=bench_options.positive, nargs="+", default=[1, 2, 3, 4, 8],
                        help="on an image (default: 1 2 3 4 8)")
    parser.add_argument("--compression", choices=["auto", "none"], default="auto")
    parser.add_argument("--max-tokens", type=bench_options.positive, default=16, help="of an answer (default: 16)")


def run(options: argparse.Namespace) -> None:
    machine = report.machine(options)
    program = programs.focus(options)
    size = options.size or tiles.largest_image(bench_options.vision_file(options))
    seconds = {(count, mode): [] for count in options.questions for mode in MODES}
    answers = {(count, mode): [] for count in options.questions for mode in MODES}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(options.rounds):
            images = photograph.photographs(Path(folder), len(options.questions), size, number)
            for mode in MODES:
                with focus_run.FocusRun(program, options, Path(folder),
                                        ["--cache", "none", "--visual-budget", options.budget]) as focus:
                    for count, image in zip(options.questions, images):
                        asked = focus.ask([job(options, image, count, mode)])
                        check_mode(asked, mode)
                        seconds[count, mode].append(asked.seconds)
                        answers[count, mode] += asked.texts
                        print(f"round {number + 1}, {count} questions, {mode}: {report.seconds(asked.seconds)}",
                              file=sys.stderr)
    medians = {key: statistics.median(values) for key, values in seconds.items()}
    agreements = {count: {f"{one}~{other}": agreement(answers[count, one], answers[count, other])
                          for one, other in itertools.combinations(MODES, 2)} for count in options.questions}
    cross = fit.crossing([(count, medians[count, "prune"] - medians[count, "shared"])
                          for count in sorted(options.questions)])
    figures = {"crossover_questions": cross, "questions": [
        {"questions": count, "seconds": {mode: seconds[count, mode] for mode in MODES}, "agreement": agreements[count]}
        for count in options.questions]}
    report.publish(options, machine, figures, text(options, size, medians, agreements, cross))


def job(options: argparse.Namespace, image: Path, count: int, mode: str) -> dict:
    return focus_run.job(image.stem, image, focus_run.questions(count, 1), max_tokens=options.max_tokens,
                         compression=options.compression, selection=mode,
                         selection_ratio=options.ratio if mode != "none" else None)


def check_mode(asked: focus_run.Asked, mode: str) -> None:
    """A comparison of one mode with itself would look like perfect agreement."""
    used = {result["visual_tokens"]["selection"] for result in asked.results}
    if used != {mode}:
        raise programs.ProgramFailed(f"selection {mode} was asked for, the answers say {', '.join(sorted(used))}")


def agreement(some: list[str], others: list[str]) -> dict[str, float]:
    pairs = list(zip(some, others))
    return {"equal": statistics.mean(one == other for one, other in pairs),
            "common_start": statistics.mean(common_start(one, other) for one, other in pairs)}


def common_start(one: str, other: str) -> float:
    """Share of the longer text, 1 for two empty ones."""
    longest = max(len(one), len(other))
    return len(os.path.commonprefix([one, other])) / longest if longest else 1.0


def text(options: argparse.Namespace, size: tuple[int, int], medians: dict, agreements: dict,
         cross: float | None) -> str:
    rows = []
    for count in options.questions:
        prune, shared = medians[count, "prune"], medians[count, "shared"]
        rows.append([count, *(report.seconds(medians[count, mode]) for mode in MODES), f"{prune / shared:.2f}×",
                     *(f"{pair['equal']:.0%} ({pair['common_start']:.0%})" for pair in agreements[count].values())])
    pairs = [f"equal: {one} and {other} (common start)" for one, other in itertools.combinations(MODES, 2)]
    table = report.table(["questions", *MODES, "prune / shared", *pairs], rows)
    costs = f"Costs cross at {cross:.1f} questions." if cross else "Costs do not cross here."
    return (f"{table}\n\n{costs} Seconds for one image of {size[0]}×{size[1]} pixels, answers of {options.max_tokens}"
            f" tokens, compression {options.compression} ({options.budget}), ratio {options.ratio}; medians of"
            f" {options.rounds} rounds.")
