"""Time of each stage of the model beside llama.cpp, on the same files, alternating in one run.

Prefill and decode beside llama-bench, the vision tower with its projector beside llama-mtmd-cli (one image of one
tile). A ratio above 1 means that focus is faster. Builds focus and llama.cpp's programs first where they are missing.
"""

import argparse
import json
import re
import statistics
import subprocess

from . import options as bench_options
from . import programs, report

IMAGE = programs.ROOT / "script/demo-images/cat.jpg"
STAGES = ("prefill", "decode", "vision")


def add_options(parser: argparse.ArgumentParser) -> None:
    bench_options.add_model(parser)
    bench_options.add_rounds(parser, 5)
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=list(STAGES), help="(default: all)")
    parser.add_argument("--prefill", type=bench_options.positive, default=512, help="rows (default: 512)")
    parser.add_argument("--decode", type=bench_options.positive, default=32, help="tokens (default: 32)")


def run(options: argparse.Namespace) -> None:
    machine = report.machine(options)
    program = programs.focus(options)
    rounds = [{"focus": focus(options, program), "llama.cpp": peer(options)} for _ in range(options.rounds)]
    figures = {}
    for stage in options.stages:
        ours, theirs = (statistics.median(result[who][stage] for result in rounds) for who in ("focus", "llama.cpp"))
        figures[stage] = {"focus_seconds": ours, "llama_cpp_seconds": theirs, "ratio": theirs / ours}
    amounts = {"prefill": f"prefill of {options.prefill} tokens", "decode": f"decode of {options.decode} tokens",
               "vision": "vision tower and projector, one tile"}
    table = report.table(
        ["stage", "focus", "llama.cpp", ""],
        [[amounts[stage], report.seconds(of["focus_seconds"]), report.seconds(of["llama_cpp_seconds"]),
          f"{of['ratio']:.2f}×"] for stage, of in figures.items()])
    report.publish(options, machine, {"stages": figures, "rounds": rounds},
                   f"{table}\n\nMedians of {options.rounds} rounds.")


def focus(options: argparse.Namespace, program: programs.Path) -> dict[str, float]:
    """Seconds of each stage; the vision tower with its projector, as llama.cpp's figure includes that too."""
    stages = [part for stage in options.stages for part in ("--stage", stage)]
    printed = programs.output([program, "bench", *bench_options.model_flags(options), "--json", *stages,
                               "--prefill", options.prefill, "--decode", options.decode, "--repetitions", 1],
                              stderr=subprocess.DEVNULL)
    return {stage["stage"]: stage["seconds"][0] for stage in json.loads(printed)["stages"]}


def peer(options: argparse.Namespace) -> dict[str, float]:
    seconds = {}
    if options.stages != ["vision"]:
        seconds |= language_seconds(options)
    if "vision" in options.stages:
        seconds["vision"] = vision_seconds(options)
    return seconds


def language_seconds(options: argparse.Namespace) -> dict[str, float]:
    language = bench_options.language_file(options)
    tests = json.loads(programs.output(
        [programs.peer("llama-bench"), "-m", language, "-p", options.prefill, "-n", options.decode, "-r", 1,
         "-t", options.threads, "-ngl", 0, "-o", "json"], stderr=subprocess.DEVNULL))
    return {("prefill" if test["n_prompt"] else "decode"): test["avg_ns"] / 1e9 for test in tests}


def vision_seconds(options: argparse.Namespace) -> float:
    language, vision = bench_options.language_file(options), bench_options.vision_file(options)
    log = programs.output(
        [programs.peer("llama-mtmd-cli"), "-m", language, "--mmproj", vision, "--image", IMAGE, "-p", "x", "-n", 1,
         "-t", options.threads, "-ngl", 0, "--no-mmproj-offload", "--chat-template", "vicuna", "--verbose"],
        stderr=subprocess.STDOUT)
    return int(re.search(r"batch encoding done in (\d+) ms", log)[1]) / 1e3
