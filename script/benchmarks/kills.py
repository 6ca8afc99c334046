"""100,000 jobs through the worker with a model that costs nothing, while a worker is killed every 30 s.

Two workers (Tests/StubWorker) on a real broker, exactly once. Every --every seconds, once a job was committed since the
last death, one of them gets SIGKILL and is started again under its name. Each worker notes the jobs that it has
committed; a job that was noted twice was committed twice. The broker shows the records of aborted transactions, which a
real Kafka hides: a result that comes twice while its job was committed once is such a record.
Nor does it refuse the commit of a worker that the group has given up on: on a machine so busy that a worker gets no
processor for 6 s, jobs may be committed twice that a real Kafka would not commit.
And a transaction that ended while an older one was open stays hidden from readers until another ends. At the end of the
jobs none does: where results are missing then, a few jobs more are sent, and what they bring to light is told apart.

--seconds paces the jobs, so that the run lasts through some deaths; without it the run shows how many jobs/s Kafka and the
pipeline manage. CPU is of the workers alone, model and images included: they hash a name and copy a text.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from . import options as bench_options
from . import programs, report, workers
from .servers import Broker

COLLECT_PATIENCE = "120s"
MORE_JOBS = 64  # enough for each partition


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--jobs", type=bench_options.positive, default=100_000, help="(default: 100000)")
    parser.add_argument("--workers", type=bench_options.positive, default=2, help="(default: 2)")
    parser.add_argument("--every", type=float, default=30, metavar="SECONDS", help="between deaths (default: 30)")
    parser.add_argument("--seconds", type=float, default=0, help="that the jobs are to take (default: no pace)")
    parser.add_argument("--delivery", choices=["exactly-once", "at-least-once"], default="exactly-once")
    parser.add_argument("--partitions", type=bench_options.positive, default=8, help="(default: 8)")
    parser.add_argument("--focus", type=Path, metavar="FILE",
                        help="the focus program that submits and collects (default: this package's, built first)")
    parser.add_argument("--stub", type=Path, metavar="FILE", help="the StubWorker (default: this package's, built first)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")


def run(options: argparse.Namespace) -> int:
    machine = report.machine_alone(options)
    focus, stub = programs.focus(options), options.stub or programs.built("StubWorker")
    with tempfile.TemporaryDirectory() as name, Broker(options.partitions) as broker:
        folder = Path(name)
        jobs, output = folder / "jobs.jsonl", folder / "results.jsonl"
        with jobs.open("w") as file:
            file.writelines(job_line(number) for number in range(options.jobs))
        workers.call(broker, focus, "submit", jobs)
        herd = Herd(options, stub, broker, folder)
        collect = ["collect", "--input", jobs, "--output", output, "--patience", COLLECT_PATIENCE]
        collector = subprocess.Popen(
            [focus, *collect, "--brokers", broker.address],
            env=broker.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        deaths = herd.live(collector)
        said = collector.stderr.read().decode()
        hidden = options.jobs - len(job_ids(output))
        if hidden:
            more = folder / "more.jsonl"
            more.write_text("".join(job_line(options.jobs + number) for number in range(MORE_JOBS)))
            workers.call(broker, focus, "submit", more)
            said = workers.call(broker, focus, *collect)
        herd.end()
        collected = job_ids(output)
        committed = herd.committed()
    lost = options.jobs - len(collected)
    figures = {"jobs": options.jobs, "deaths": deaths, "seconds": herd.seconds, "lost": lost,
               "hidden_at_first": hidden - lost,
               "committed_twice": len(committed) - len(set(committed)), "shown_twice": workers.repeats(said),
               "jobs_per_second": options.jobs / herd.seconds, "cpu_ms_per_job": herd.cpu / options.jobs * 1000}
    report.publish(options, machine, figures, report.table(["", ""], [
        ["jobs", options.jobs], ["workers", options.workers], ["deaths", deaths],
        ["seconds from the first result to the last", f"{herd.seconds:.1f}"],
        ["jobs/s", f"{figures['jobs_per_second']:.0f}"], ["lost", figures["lost"]],
        ["committed twice", figures["committed_twice"]],
        ["results the broker hid until more jobs came", figures["hidden_at_first"]],
        ["results shown twice (records of aborted transactions)", figures["shown_twice"]],
        ["workers' CPU for a job", f"{figures['cpu_ms_per_job']:.3f} ms"]]))
    if not (figures["lost"] or figures["committed_twice"]):
        return 0
    print(f"error: {figures['lost']} jobs lost, {figures['committed_twice']} committed twice", file=sys.stderr)
    return 1


def job_line(number: int) -> str:
    return json.dumps({"job_id": str(number), "image": {"uri": f"{number}.png"},
                       "questions": [{"question_id": "q", "text": "?"}]}) + "\n"


def job_ids(results: Path) -> set[str]:
    return {json.loads(line)["job_id"] for line in results.read_bytes().splitlines()}


class Herd:
    """Workers that die and come again."""

    def __init__(self, options: argparse.Namespace, program: Path, broker: Broker, folder: Path):
        self.options, self.program, self.broker, self.folder = options, program, broker, folder
        self.cpu = self.seconds = 0.0
        self.processes = [self.start(number) for number in range(options.workers)]

    def start(self, number: int) -> subprocess.Popen:
        paced = self.options.seconds * self.options.workers * 256 / self.options.jobs  # 256 jobs in flight each
        with (self.folder / f"worker-{number}.log").open("ab") as log:
            return subprocess.Popen(
                [self.program, self.broker.address, f"worker-{number}", self.options.delivery,
                 self.folder / f"committed-{number}", str(paced)],
                env=self.broker.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def live(self, collector: subprocess.Popen) -> int:
        """Until everything is collected. How many died."""
        deaths, next_death, begun, seen = 0, 0.0, None, 0
        while collector.poll() is None:
            if begun is None and self.committed_bytes() > 0:
                begun, next_death = time.monotonic(), time.monotonic() + self.options.every
            # A group that is not given the time to form would never get anything done, and be killed for ever.
            if begun is not None and time.monotonic() > next_death and self.committed_bytes() > seen:
                seen = self.committed_bytes()
                number = deaths % len(self.processes)
                self.processes[number].send_signal(signal.SIGKILL)
                self.bury(number)
                self.processes[number] = self.start(number)
                deaths, next_death = deaths + 1, time.monotonic() + self.options.every
                print(f"{deaths} died", file=sys.stderr)
            time.sleep(0.05)
        self.seconds = time.monotonic() - (begun or time.monotonic())
        return deaths

    def end(self) -> None:
        for number, process in enumerate(self.processes):
            process.terminate()
            self.bury(number)

    def bury(self, number: int) -> None:
        process = self.processes[number]
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.cpu += usage.ru_utime + usage.ru_stime
        if process.returncode not in (0, -signal.SIGKILL):
            raise programs.ProgramFailed(
                f"a worker ended with {process.returncode}: {(self.folder / f'worker-{number}.log').read_text()[-2000:]}")

    def committed_bytes(self) -> int:
        return sum(path.stat().st_size for path in self.folder.glob("committed-*"))

    def committed(self) -> list[str]:
        return [line for path in self.folder.glob("committed-*") for line in path.read_text().split()]
