"""Bytes for an image, answers that change, and the time of a hit against a miss, by the type that tokens are kept in.

For each type every image is asked about twice: first with an empty SQLite store, then, in a new process, with that same
store. A job at a time. Answers are compared with those over f32, and a hit's with its miss's: these must be equal.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from . import focus_run, photograph, programs, report, tiles
from . import options as bench_options

TYPES = ("f32", "f16", "q8_0")


def add_options(parser: argparse.ArgumentParser) -> None:
    bench_options.add_model(parser)
    bench_options.add_sampling(parser)
    bench_options.add_image_size(parser)
    parser.add_argument("--images", type=bench_options.positive, default=6, help="(default: 6)")
    parser.add_argument("--questions", type=bench_options.positive, default=4, help="on each image (default: 4)")
    parser.add_argument("--max-tokens", type=bench_options.positive, default=16, help="of an answer (default: 16)")


def run(options: argparse.Namespace) -> int:
    machine = report.machine(options)
    program = programs.focus(options)
    size = options.size or tiles.largest_image(bench_options.vision_file(options))
    figures = {}
    with tempfile.TemporaryDirectory() as folder:
        images = photograph.photographs(Path(folder), options.images, size)
        for kind in TYPES:
            figures[kind] = measure(program, options, images, kind, size)
            miss, hit = (report.seconds(figures[kind][outcome]) for outcome in ("miss", "hit"))
            print(f"{kind}: {miss} a miss, {hit} a hit", file=sys.stderr)
    for kind in TYPES:
        pairs = zip(figures[kind]["answers"], figures["f32"]["answers"])
        figures[kind]["changed"] = sum(one != other for one, other in pairs)
    report.publish(options, machine, {"types": figures}, text(options, size, figures))
    return 1 if any(of["changed_by_hit"] or of["hits"] < of["asked"] for of in figures.values()) else 0


def measure(program: Path, options: argparse.Namespace, images: list[Path], kind: str, size: tuple[int, int]) -> dict:
    store = images[0].parent / f"{kind}.sqlite"
    misses, hits = (ask_each(program, options, images, kind, store, size) for _ in range(2))
    kept = json.loads(programs.output([program, "cache", "stats", "--cache", f"sqlite:{store}", "--json"],
                                      stderr=subprocess.DEVNULL))
    answers, repeated = (sum((asked.texts for asked in run), []) for run in (misses, hits))
    results = [result for asked in hits for result in asked.results]
    return {"bytes_each": kept["bytes"] / max(kept["images"], 1), "images": kept["images"],
            "file_bytes": kept["file_bytes"], "visual_tokens": results[0]["visual_tokens"],
            "miss": statistics.median(asked.seconds for asked in misses),
            "hit": statistics.median(asked.seconds for asked in hits),
            "hits": sum(result["token_cache"] == "hit" for result in results), "asked": len(results),
            "changed_by_hit": sum(one != other for one, other in zip(answers, repeated)), "answers": answers}


def ask_each(program: Path, options: argparse.Namespace, images: list[Path], kind: str, store: Path,
             size: tuple[int, int]) -> list[focus_run.Asked]:
    flags = ["--cache", f"sqlite:{store}", "--token-type", kind, "--visual-budget", options.budget]
    # The picture it warms up with is stored too: as large as the others, so that bytes for an image are theirs.
    with focus_run.FocusRun(program, options, store.parent, flags, warm_up=size) as focus:
        return [focus.ask([focus_run.job(image.stem, image, focus_run.questions(options.questions, number),
                                         max_tokens=options.max_tokens, selection_ratio=options.ratio)])
                for number, image in enumerate(images)]


def text(options: argparse.Namespace, size: tuple[int, int], figures: dict[str, dict]) -> str:
    total = options.images * options.questions
    rows = [[kind, f"{of['bytes_each'] / 1024:.0f} KiB", f"{of['visual_tokens']['compressed']}",
             f"{of['changed']} of {total}", report.seconds(of["miss"]), report.seconds(of["hit"]),
             f"{of['miss'] / of['hit']:.2f}×", f"{of['hits']} of {of['asked']}", of["changed_by_hit"]]
            for kind, of in figures.items()]
    table = report.table(["type", "an image", "its tokens", "answers changed from f32", "miss", "hit", "miss / hit",
                          "hits", "answers changed by a hit"], rows)
    return (f"{table}\n\nSeconds for one image of {size[0]}×{size[1]} pixels with {options.questions} questions,"
            f" answers of {options.max_tokens} tokens, compression to {options.budget}, selection of {options.ratio};"
            f" medians of {options.images} images.")
