"""One `focus run` that is fed for ever: do its memory, its descriptors or its threads grow?

Jobs come over standard input without an end: pictures that come back and new questions, a choice and a grammar now and
then, and every 25th line is no job. The cache is a SQLite file that is too small for the pictures of a large model, so
that it also saves and evicts. Or --input FILE, over and over, with new job ids each time: a question that comes back
under its ids is refused. A sample is taken from /proc every --every seconds; the first fifth is left out of the
judgement: that is when pools, prefixes and the cache fill. Exit status 1 if anything grew, or if more was refused than
answered.

Of a stream focus remembers the ids of the last 100,000 to 200,000 questions, to refuse those that come twice: with a
fast model its memory grows by some megabytes until then. Growth is also told as bytes for each answer.
"""

import argparse
import itertools
import json
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from . import fit, focus_run, photograph, programs, report, tiles
from . import options as bench_options
from .process import Sample, take_sample

PICTURES = 12
BAD_LINE_EVERY = 25
TOLD_AFTER_MINUTES = 10
GROWTH_SHARE = 0.02  # of memory, over the judged time; less is noise
GROWTH_BYTES = 8 * 2**20
GROWTH_COUNT = 4  # descriptors or threads: pools open their last ones late


def add_options(parser: argparse.ArgumentParser) -> None:
    bench_options.add_model(parser)
    bench_options.add_sampling(parser)
    bench_options.add_image_size(parser)
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--every", type=float, default=10, metavar="SECONDS", help="between samples (default: 10)")
    parser.add_argument("--input", type=Path, metavar="FILE", help="job lines, their images beside the file")
    parser.add_argument("--questions", type=bench_options.positive, default=4, help="on each image (default: 4)")
    parser.add_argument("--max-tokens", type=bench_options.positive, default=16, help="of an answer (default: 16)")
    parser.add_argument("--cache-size", default="16M", help="bytes that the store may hold (default: 16M)")


def run(options: argparse.Namespace) -> int:
    machine = report.machine(options)
    program = programs.focus(options)
    with tempfile.TemporaryDirectory() as folder:
        lines = looped(options, Path(folder))
        flags = ["--cache", f"sqlite:{folder}/tokens.sqlite", "--cache-size", options.cache_size,
                 "--visual-budget", options.budget]
        root = options.input.absolute().parent if options.input else Path(folder)
        with focus_run.FocusRun(program, options, root, flags) as focus:
            samples = watch(focus, lines, options)
    judged = verdicts(samples)
    grew = [name for name, has_grown, _ in judged if has_grown]
    if samples[-1].refused > samples[-1].answers:
        grew.append("the refusals, beyond the answers")
    text = "\n\n".join([table(samples), *(words for _, _, words in judged),
                        "It grows: " + ", ".join(grew) + "." if grew else "Nothing grows."])
    report.publish(options, machine, {"grew": grew, "samples": [vars(sample) for sample in samples]}, text)
    return 1 if grew else 0


def looped(options: argparse.Namespace, folder: Path) -> Iterator[bytes]:
    if options.input:
        return repeated([line for line in options.input.read_bytes().splitlines() if line.strip()])
    size = options.size or tiles.largest_image(bench_options.vision_file(options))
    return jobs(options, photograph.photographs(folder, PICTURES, size))


def repeated(lines: list[bytes]) -> Iterator[bytes]:
    """Lines that are no job stay as they are."""
    for turn in itertools.count():
        for line in lines:
            try:
                job = json.loads(line)
                yield focus_run.line(job | {"job_id": f"{job['job_id']} {turn}"})
            except (ValueError, TypeError, KeyError):
                yield line + b"\n"


def jobs(options: argparse.Namespace, images: list[Path]) -> Iterator[bytes]:
    for number in itertools.count(1):
        if number % BAD_LINE_EVERY == 0:
            yield b'{"job_id": "bad", "image": {}}\n'
            continue
        # Every other job is about the image before it: that is a hit even where the store holds few.
        job = focus_run.job(str(number), images[number // 2 % len(images)],
                            focus_run.questions(options.questions, number), max_tokens=options.max_tokens,
                            selection_ratio=options.ratio)
        special = {"choices": ["yes", "no"]} if number % 2 else {"grammar": "root ::= [0-9] [0-9]?"}
        job["questions"][0]["parameters"] = special
        yield focus_run.line(job)


def watch(focus: focus_run.FocusRun, lines: Iterator[bytes], options: argparse.Namespace) -> list[Sample]:
    """Feeds the run until the time is over. Samples it meanwhile."""
    start = time.monotonic()
    end = start + 60 * options.minutes
    threading.Thread(target=feed, args=[focus, lines, end], daemon=True).start()
    samples: list[Sample] = []
    answers = refused = 0
    told = False
    while (now := time.monotonic()) < end:
        time.sleep(min(options.every, end - now))
        results = focus.take_results()
        answered = sum("answer" in result for result in results)
        answers, refused = answers + answered, refused + len(results) - answered
        samples.append(take_sample(focus.process.pid, time.monotonic() - start, answers, refused))
        print(samples[-1].words, file=sys.stderr)
        if not told and samples[-1].seconds >= 60 * TOLD_AFTER_MINUTES:
            told = True
            print("\n".join(f"so far: {words}" for _, _, words in verdicts(samples)), file=sys.stderr)
    return samples


def feed(focus: focus_run.FocusRun, lines: Iterator[bytes], end: float) -> None:
    """A full pipe holds it back: the run reads as fast as it answers."""
    while time.monotonic() < end and focus.write(next(lines)):
        pass


def verdicts(samples: list[Sample]) -> list[tuple[str, bool, str]]:
    return [verdict(name, samples) for name in ("anonymous", "descriptors", "threads")]


def verdict(name: str, samples: list[Sample]) -> tuple[str, bool, str]:
    """Name, whether it grew, and words."""
    judged = samples[len(samples) // 5:]
    values = [(sample.seconds, getattr(sample, name)) for sample in judged]
    if name == "anonymous":
        line = fit.line(values)
        seconds = judged[-1].seconds - judged[0].seconds
        growth = line.slope * seconds
        answers = judged[-1].answers - judged[0].answers
        allowed = max(GROWTH_BYTES, GROWTH_SHARE * line(judged[0].seconds))
        return name, growth > allowed, (
            f"Memory of its own: {line.slope * 3600 / 2**20:+.1f} MiB an hour, {growth / 2**20:+.1f} MiB in the last"
            f" {seconds / 60:.1f} minutes ({allowed / 2**20:.1f} MiB count as noise),"
            f" {growth / max(answers, 1):.0f} bytes for each answer.")
    half = len(values) // 2
    before, after = (max(value for _, value in part) for part in (values[:half] or values, values[half:]))
    return name, after > before + GROWTH_COUNT, (
        f"{name.capitalize()}: at most {before} in the first half of the judged time, {after} in the second"
        f" ({GROWTH_COUNT} more count as pools that fill late).")


def table(samples: list[Sample]) -> str:
    """About ten rows of all samples."""
    chosen = samples[::max(1, len(samples) // 10)]
    if chosen[-1] is not samples[-1]:
        chosen.append(samples[-1])
    return report.table(["minutes", "memory of its own", "resident", "descriptors", "threads", "answers", "refused"],
                        [[f"{sample.seconds / 60:.1f}", f"{sample.anonymous / 2**20:.1f} MiB",
                          f"{sample.resident / 2**20:.1f} MiB", sample.descriptors, sample.threads, sample.answers,
                         sample.refused]
                         for sample in chosen])
