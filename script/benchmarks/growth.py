"""Seconds for an image against tiles, questions, budget and ratio: tables, plots, and whether each has its shape.

One image at a time, never the same one twice, nothing stored. Each sweep changes one thing:

vision      tiles through the vision tower and the projector alone       a straight line
tiles       a whole job by the image's tiles, one question               a straight line, or steeper at its end
questions   a job by its questions, with shared selection                a constant for the image, and a straight line
budget      a job by the share of tokens that compression keeps          a constant for the vision tower, then rising
ratio       a job by the share of tokens its question keeps (pruned)     a constant for the lower layers, then rising

--output gets growth.md, growth.json and one SVG plot a sweep.
"""

import argparse
import tempfile
from pathlib import Path

from . import options as bench_options
from . import programs, report
from .sweeps import SWEEPS, Bench, Sweep


def add_options(parser: argparse.ArgumentParser) -> None:
    bench_options.add_model(parser)
    bench_options.add_rounds(parser)
    bench_options.add_sampling(parser)
    bench_options.add_image_size(parser)
    parser.add_argument("--output", type=Path, required=True, metavar="FOLDER", help="for the report and the plots")
    parser.add_argument("--max-tokens", type=bench_options.positive, default=16, help="of an answer (default: 16)")
    parser.add_argument("--sweeps", nargs="+", choices=SWEEPS, default=list(SWEEPS), help="(default: all)")
    parser.add_argument("--tiles", type=bench_options.positive, nargs="+", default=[1, 2, 5],
                        help="of the vision sweep (default: 1 2 5)")
    parser.add_argument("--questions", type=bench_options.positive, nargs="+", default=[1, 2, 4, 8, 16, 32])
    parser.add_argument("--budgets", type=float, nargs="+", default=[0.1, 0.25, 0.39, 0.55, 0.7, 1.0])
    parser.add_argument("--ratios", type=float, nargs="+", default=[0.1, 0.25, 0.5, 0.75, 1.0])


def run(options: argparse.Namespace) -> None:
    machine = report.machine(options)
    options.output.mkdir(parents=True, exist_ok=True)
    options.json = options.json or options.output / "growth.json"
    program = programs.focus(options)
    with tempfile.TemporaryDirectory() as folder:
        sweeps = [sweep for name in options.sweeps
                  if (sweep := SWEEPS[name](Bench(program, options, Path(folder)))) is not None]
    for sweep in sweeps:
        sweep.plot(options.output / f"{sweep.name}.svg")
    text = "\n\n".join(section(sweep) for sweep in sweeps)
    whole = report.publish(options, machine, {"sweeps": [sweep.figures() for sweep in sweeps]}, text)
    (options.output / "growth.md").write_text(whole + "\n")


def section(sweep: Sweep) -> str:
    rows = [[f"{x:g}", report.seconds(seconds)] for x, seconds in sweep.medians]
    return (f"### {sweep.title}\n\n{report.table([sweep.x_name, 'seconds for an image'], rows)}\n\n"
            f"![{sweep.title}]({sweep.name}.svg)\n\n{sweep.verdict()}")
