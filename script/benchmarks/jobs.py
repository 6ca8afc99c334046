"""The same jobs through `focus run` and through llama.cpp's server, alternating in one run.

Every job has its own image and its own questions. focus gets all jobs at once, as it would from a file. The server gets
one question after the other, those on one image in a row: one slot that keeps the image's prefix, its fastest setting.
Both clocks start when the model is loaded and warm, and end with the last answer. The server is told to ignore ends of
answers, so that all have --max-tokens; focus may end earlier: compare the tokens, which the table counts.

Contenders of focus: `plain` neither compresses nor selects, and shows the engine alone; `compression` compresses only;
`full` is the full method, compresses and selects, and saves images in an empty SQLite store; `stored` finds them there.
"""

import argparse
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from . import focus_run, llama_server, photograph, programs, report, tiles
from . import options as bench_options

PEER = "llama-server"


@dataclass(frozen=True)
class Contender:
    name: str
    compression: str = "auto"
    selection: str = "auto"
    store: str | None = None  # "empty" or "full"


CONTENDERS = {
    "plain": Contender("plain", "none", "none"), "compression": Contender("compression", "auto", "none"),
    "full": Contender("full method", store="empty"), "stored": Contender("full method, stored", store="full")}


def add_options(parser: argparse.ArgumentParser) -> None:
    bench_options.add_model(parser)
    bench_options.add_rounds(parser)
    bench_options.add_sampling(parser)
    bench_options.add_image_size(parser)
    parser.add_argument("--images", type=bench_options.positive, default=4, help="jobs, one image each (default: 4)")
    parser.add_argument("--questions", type=bench_options.positive, default=8, help="on each image (default: 8)")
    parser.add_argument("--max-tokens", type=bench_options.positive, default=16, help="of an answer (default: 16)")
    parser.add_argument("--contenders", nargs="+", choices=CONTENDERS, default=list(CONTENDERS),
                        help="of focus (default: all)")
    parser.add_argument("--only", choices=["ours", "theirs"], help="measure one side alone")


def run(options: argparse.Namespace) -> None:
    machine = report.machine(options)
    size = options.size or tiles.largest_image(bench_options.vision_file(options))
    rounds = []
    with tempfile.TemporaryDirectory() as folder:
        images = photograph.photographs(Path(folder), options.images, size)
        for number in range(options.rounds):
            print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
            rounds.append(measure_round(options, images))
    figures = {"image_size": size, "contenders": summary(options, rounds), "rounds": rounds}
    report.publish(options, machine, figures, text(options, size, rounds))


def measure_round(options: argparse.Namespace, images: list[Path]) -> dict[str, dict]:
    figures = {}
    if options.only != "ours":
        figures[PEER] = llama_server.answer(options, images, options.questions, options.max_tokens)
        tell(PEER, figures[PEER])
    if options.only != "theirs":
        program = programs.focus(options)
        with tempfile.TemporaryDirectory() as folder:
            store = Path(folder) / "tokens.sqlite"
            for contender in map(CONTENDERS.get, options.contenders):
                if contender.store == "full" and not store.exists():
                    measure(program, options, images, contender, store)
                figures[contender.name] = measure(program, options, images, contender, store)
                tell(contender.name, figures[contender.name])
    return figures


def tell(name: str, figures: dict) -> None:
    """A round can take half an hour: who waits sees each contender's time as it comes."""
    print(f"  {name}: {report.seconds(figures['seconds'])}", file=sys.stderr)


def measure(program: Path, options: argparse.Namespace, images: list[Path], contender: Contender, store: Path) -> dict:
    flags = ["--cache", f"sqlite:{store}" if contender.store else "none", "--visual-budget", options.budget]
    parameters = {"max_tokens": options.max_tokens, "compression": contender.compression,
                  "selection": contender.selection,
                  "selection_ratio": options.ratio if contender.selection != "none" else None}
    jobs = [focus_run.job(image.stem, image, focus_run.questions(options.questions, number), **parameters)
            for number, image in enumerate(images)]
    with focus_run.FocusRun(program, options, images[0].parent, flags) as focus:
        asked = focus.ask(jobs)
    ledger = {stage: statistics.mean(result["visual_tokens"][stage] for result in asked.results)
              for stage in ("encoded", "compressed", "selected")}
    return {"seconds": asked.seconds, "questions_per_second": len(asked.results) / asked.seconds,
            "answer_tokens": asked.completion_tokens, "visual_tokens": ledger,
            "selection": sorted({result["visual_tokens"]["selection"] for result in asked.results}),
            "token_cache": sorted({result["token_cache"] for result in asked.results}),
            "prompt_tokens": max(result["usage"]["prompt_tokens"] for result in asked.results)}


def summary(options: argparse.Namespace, rounds: list[dict[str, dict]]) -> dict[str, dict]:
    """The last round's counts, which are every round's, with medians of the times."""
    summaries = {}
    for name in rounds[0]:
        seconds = statistics.median(figures[name]["seconds"] for figures in rounds)
        summaries[name] = rounds[-1][name] | {
            "seconds": seconds, "questions_per_second": options.images * options.questions / seconds}
        if PEER in rounds[0]:
            summaries[name]["ratio"] = statistics.median(figures[PEER]["seconds"] for figures in rounds) / seconds
    return summaries


def text(options: argparse.Namespace, size: tuple[int, int], rounds: list[dict[str, dict]]) -> str:
    rows = []
    for name, figures in summary(options, rounds).items():
        ledger = figures.get("visual_tokens")
        ratio = f"{figures['ratio']:.2f}×" if "ratio" in figures else ""
        counts = " → ".join(f"{count:.0f}" for count in ledger.values()) if ledger else ""
        rows.append([name, f"{figures['questions_per_second']:.3f}", ratio, report.seconds(figures["seconds"]),
                     figures["answer_tokens"], counts, ", ".join(figures.get("selection", []))])
    wanted = options.images * options.questions * options.max_tokens
    table = report.table(["", "questions/s", f"against {PEER}", "all answers", "answer tokens",
                          "visual tokens: encoded → compressed → selected", "selection"], rows)
    return (f"{table}\n\n{options.images} images of {size[0]}×{size[1]} pixels, {options.questions} questions each,"
            f" answers of {options.max_tokens} tokens ({wanted} in all); compression to {options.budget}, selection of"
            f" {options.ratio}; medians of {options.rounds} rounds, loading excluded.{first_answers(options, rounds)}")


def first_answers(options: argparse.Namespace, rounds: list[dict[str, dict]]) -> str:
    """The server's time for an image's first answer and for a further one, in words."""
    each = [seconds for figures in rounds if PEER in figures for seconds in figures[PEER]["seconds_each"]]
    if not each:
        return ""
    first = statistics.median(each[::options.questions])
    others = [seconds for place, seconds in enumerate(each) if place % options.questions]
    further = f", a further one {report.seconds(statistics.median(others))}" if others else ""
    return f" {PEER}'s first answer on an image took {report.seconds(first)}{further}."
