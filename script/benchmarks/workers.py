"""Workers of one group on a real broker and one PostgreSQL: jobs/s, each answer once, each image encoded once.

For each number of workers: a new broker with the jobs' topics, an empty database, workers that have joined; then
`focus submit`, and `focus collect` until every question has its result. The clock runs from the submission to the last
result. The vision tower's runs are the workers' own count, from /metrics.

The images are the demonstration's photographs, each with a remark of its own in the file: other bytes, so that another
image is encoded. --outage kills PostgreSQL in the middle and starts it again so many seconds later; the rate of answers
is then told for before, during and after. --metrics keeps what a worker told at the end, for `deploy/check metrics`.
"""

import argparse
import contextlib
import json
import random
import re
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

from . import focus_run, photograph, programs, report
from . import options as bench_options
from .servers import Broker, Postgres, free_port, wait_for

PHOTOGRAPHS = programs.ROOT / "script/demo-images"
JOIN_SECONDS = 120


def add_options(parser: argparse.ArgumentParser) -> None:
    bench_options.add_model(parser)
    bench_options.add_sampling(parser)
    parser.add_argument("--workers", type=bench_options.positive, nargs="+", default=[1, 2],
                        help="one run for each number (default: 1 2)")
    parser.add_argument("--jobs", type=bench_options.positive, default=500, help="(default: 500)")
    parser.add_argument("--images", type=bench_options.positive, default=60, help="(default: 60)")
    parser.add_argument("--questions", type=bench_options.positive, default=8, help="of a job (default: 8)")
    parser.add_argument("--max-tokens", type=bench_options.positive, default=8, help="of an answer (default: 8)")
    parser.add_argument("--partitions", type=bench_options.positive, default=8, help="(default: 8)")
    parser.add_argument("--outage", type=float, default=0, metavar="SECONDS", help="of PostgreSQL (default: none)")
    parser.add_argument("--metrics", type=Path, metavar="FILE", help="write a worker's /metrics there")


def run(options: argparse.Namespace) -> int:
    machine = report.machine(options)
    program = programs.focus(options)
    rows, is_good = [], True
    with tempfile.TemporaryDirectory() as folder, Postgres() as postgres:
        images = variants(Path(folder), options.images)
        jobs = Path(folder) / "jobs.jsonl"
        jobs.write_bytes(b"".join(map(focus_run.line, job_list(options, images))))
        for number, count in enumerate(options.workers):
            rows.append(measure(options, program, Path(folder), jobs, postgres, postgres.new_database(f"run{number}"), count))
            print(rows[-1].words, file=sys.stderr)
            is_good &= rows[-1].missing == rows[-1].repeated == 0
    report.publish(options, machine, {"runs": [vars(row) for row in rows]}, table(options, rows))
    return 0 if is_good else 1


@dataclass
class Run:
    workers: int
    seconds: float
    jobs: int
    answers: int
    missing: int
    repeated: int
    tower_runs: int
    cache: dict[str, int]
    outage: dict[str, float] = field(default_factory=dict)  # answers/s before, during and after

    @property
    def words(self) -> str:
        return (f"{self.workers} workers: {self.seconds:.1f} s, {self.jobs / self.seconds:.2f} jobs/s,"
                f" {self.answers} answers, {self.missing} missing, {self.repeated} repeated,"
                f" {self.tower_runs} tower runs, cache {self.cache} {self.outage or ''}")


def measure(options: argparse.Namespace, program: Path, folder: Path, jobs: Path, postgres: Postgres, database: str,
            count: int) -> Run:
    programs.output([program, "cache", "migrate", "--cache", database], stderr=subprocess.DEVNULL)
    with Broker(options.partitions) as broker, contextlib.ExitStack() as stack:
        workers = [stack.enter_context(Worker(options, program, folder, broker, database, number))
                   for number in range(count)]
        for worker in workers:
            wait_for("a worker's partitions", worker.is_ready, JOIN_SECONDS)
        output = folder / f"results-{count}.jsonl"
        begun = time.monotonic()
        call(broker, program, "submit", jobs)
        collector = subprocess.Popen(
            [program, "collect", "--input", jobs, "--output", output, "--brokers", broker.address, "--patience", "300s"],
            env=broker.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        outage = fail(postgres, options.outage, output, collector) if options.outage else {}
        if collector.wait() not in (0, 1):
            raise programs.ProgramFailed(f"focus collect ended with {collector.returncode}")
        seconds = time.monotonic() - begun
        again = call(broker, program, "collect", "--input", jobs, "--output", folder / f"again-{count}.jsonl", "--no-wait")
        told = [worker.metrics() for worker in workers]
        if options.metrics:
            options.metrics.write_text(workers[-1].text())
    results = [json.loads(line) for line in output.read_bytes().splitlines()]
    answered = [(result["job_id"], result["question_id"]) for result in results if "answer" in result]
    asked = options.jobs * options.questions
    repeated = repeats(again)
    caches = {name: sum(int(values.get(f'focus_token_cache_requests_total{{result="{name}"}}', 0)) for values in told)
              for name in ("hit", "miss", "unavailable", "unsaved")}
    return Run(count, seconds, options.jobs, len(answered), asked - len(set(answered)), repeated,
               sum(int(values.get('focus_stage_duration_seconds_count{stage="vision"}', 0)) for values in told),
               caches, outage)


def fail(postgres: Postgres, seconds: float, output: Path, collector: subprocess.Popen) -> dict[str, float]:
    """Answers/s before, during and after an outage that begins when the answers have come for a while."""
    def lines() -> int:
        return output.read_bytes().count(b"\n") if output.exists() else 0

    wait_for("answers", lambda: lines() > 0, 600)
    marks = [(time.monotonic(), lines())]

    def mark(after: float) -> None:
        end = time.monotonic() + after
        while time.monotonic() < end and collector.poll() is None:
            time.sleep(0.1)
        marks.append((time.monotonic(), lines()))

    mark(seconds / 2)
    postgres.kill()
    mark(seconds)
    postgres.start()
    mark(seconds / 2)
    rates = [(b[1] - a[1]) / max(b[0] - a[0], 1e-9) for a, b in zip(marks, marks[1:])]
    return dict(zip(("before", "during", "after"), rates))


class Worker:
    def __init__(self, options: argparse.Namespace, program: Path, folder: Path, broker: Broker, database: str,
                 number: int):
        self.port = free_port()
        self.log = folder / f"worker-{number}.log"
        self.command = [str(part) for part in [
            program, "worker", *bench_options.model_flags(options), "--prompt-template", focus_run.PROMPT,
            "--image-root", folder, "--cache", database, "--brokers", broker.address,
            "--transactional-id", f"worker-{number}", "--listen", f"127.0.0.1:{self.port}",
            "--visual-budget", options.budget, "--selection-ratio", options.ratio]]
        self.environment = broker.environment

    def __enter__(self) -> "Worker":
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(self.command, env=self.environment, stdin=subprocess.DEVNULL,
                                            stdout=subprocess.DEVNULL, stderr=log)
        return self

    def __exit__(self, *failure) -> None:
        self.process.terminate()
        if self.process.wait() != 0 and failure[0] is None:
            raise programs.ProgramFailed(f"a worker ended with {self.process.returncode}: {self.log.read_text()[-2000:]}")

    def is_ready(self) -> bool:
        if self.process.poll() is not None:
            raise programs.ProgramFailed(f"a worker ended: {self.log.read_text()[-2000:]}")
        try:
            return self.get("/readyz") is not None
        except OSError:
            return False

    def text(self) -> str:
        return self.get("/metrics")

    def metrics(self) -> dict[str, float]:
        """Values by series."""
        series = (line.rpartition(" ") for line in self.text().splitlines() if line and not line.startswith("#"))
        return {name: float(value) for name, _, value in series}

    def get(self, path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
            return answer.read().decode()


def call(broker: Broker, program: Path, *arguments) -> str:
    """What a command of focus says."""
    done = subprocess.run([str(part) for part in [program, *arguments, "--brokers", broker.address]],
                          env=broker.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode not in (0, 1):
        raise programs.ProgramFailed(f"focus {arguments[0]} ended with {done.returncode}: {done.stderr}")
    return done.stderr


def repeats(said: str) -> int:
    """Results that `focus collect` found more than once."""
    found = re.search(r"(\d+) results? came again", said)
    return int(found[1]) if found else 0


def job_list(options: argparse.Namespace, images: list[Path]) -> list[dict]:
    """In no order: jobs on one image do not follow each other."""
    jobs = [focus_run.job(f"job-{number}", images[number % len(images)],
                          focus_run.questions(options.questions, number), max_tokens=options.max_tokens)
            for number in range(options.jobs)]
    random.Random(0).shuffle(jobs)
    return jobs


def variants(folder: Path, count: int) -> list[Path]:
    """The demonstration's JPEG and PNG files, each as often as it takes, told apart by a remark."""
    originals = sorted(path for path in PHOTOGRAPHS.iterdir() if path.suffix in (".jpg", ".png"))
    paths = []
    for number in range(count):
        original = originals[number % len(originals)]
        path = folder / f"{original.stem}-{number}{original.suffix}"
        path.write_bytes(remarked(original.read_bytes(), f"number {number}".encode()))
        paths.append(path)
    return paths


def remarked(image: bytes, remark: bytes) -> bytes:
    if image.startswith(b"\xff\xd8"):
        # The last one of the header: EXIF must come first.
        place = image.index(b"\xff\xdb")
        return image[:place] + b"\xff\xfe" + struct.pack(">H", len(remark) + 2) + remark + image[place:]
    place = image.rindex(b"IEND") - 4
    return image[:place] + photograph.chunk(b"tEXt", b"Comment\0" + remark) + image[place:]


def table(options: argparse.Namespace, rows: list[Run]) -> str:
    header = ["workers", "seconds", "jobs/s", "answers/s", "answers", "missing", "repeated", "tower runs"]
    lines = [[row.workers, f"{row.seconds:.1f}", f"{row.jobs / row.seconds:.2f}", f"{row.answers / row.seconds:.1f}",
              row.answers, row.missing, row.repeated, row.tower_runs] for row in rows]
    title = f"{options.jobs} jobs over {options.images} images, {options.questions} questions × {options.max_tokens} tokens"
    text = f"{title}:\n\n{report.table(header, lines)}"
    for row in rows:
        if row.outage:
            text += (f"\n\nPostgreSQL dead for {options.outage:.0f} s, {row.workers} workers: " + ", ".join(
                f"{rate:.1f} answers/s {when}" for when, rate in row.outage.items()))
    return text
