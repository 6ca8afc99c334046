#!/usr/bin/env python3
"""The demonstration's jobs through two workers: a broker, a PostgreSQL, `focus submit`, `focus collect`.

script/demo --with-worker calls it. Each command of focus is shown as it is run. The servers are its own and end with it.
"""

import argparse
import shlex
import subprocess
import sys
import urllib.request
from pathlib import Path

from benchmarks.programs import ProgramFailed
from benchmarks.servers import Broker, Postgres, free_port, wait_for

JOIN_SECONDS = 120


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--focus", type=Path, required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--jobs", required=True)
    parser.add_argument("--images", required=True)
    parser.add_argument("--allow-host", required=True)
    parser.add_argument("--work", type=Path, required=True)
    options = parser.parse_args()
    try:
        return show(options)
    except ProgramFailed as failure:
        print(f"error: {failure}", file=sys.stderr)
        return 1


def show(options: argparse.Namespace) -> int:
    print("Starting PostgreSQL, and Tansu, a Kafka-compatible broker: both empty, on free local ports.")
    with Postgres() as postgres, Broker(partitions=4) as broker:
        database = postgres.new_database("focus")

        def command(*arguments, shown: bool = True) -> list[str]:
            words = [str(options.focus), *map(str, arguments)]
            if shown:
                print("\n$ focus " + shlex.join(words[1:]), flush=True)
            return words

        def call(*arguments) -> None:
            status = subprocess.run(command(*arguments), env=broker.environment).returncode
            if status not in (0, 1):
                raise ProgramFailed(f"focus {arguments[0]} ended with {status}")

        call("cache", "migrate", "--cache", database)
        workers = []
        try:
            for name in ("one", "two"):
                port = free_port()
                with (options.work / f"worker-{name}.log").open("wb") as log:
                    process = subprocess.Popen(
                        command("worker", "--model", options.model, "--image-root", options.images,
                                "--allow-host", options.allow_host, "--cache", database,
                                "--brokers", broker.address, "--transactional-id", name,
                                "--listen", f"127.0.0.1:{port}"),
                        env=broker.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
                workers.append((name, process, port))
            print("\nThe workers load the model and join the group.", flush=True)
            for name, process, port in workers:
                wait_for(f"worker {name}", lambda: is_ready(name, process, port, options.work), JOIN_SECONDS)
            call("submit", options.jobs, "--brokers", broker.address)
            call("collect", "--input", options.jobs, "--output", options.work / "worker-results.jsonl", "--overwrite",
                 "--brokers", broker.address, "--patience", "300s")
            for name, _, port in workers:
                print(f"worker {name}: {counted(port)}")
            call("cache", "stats", "--cache", database)
        finally:
            for _, process, _ in workers:
                process.terminate()
            statuses = [process.wait() for _, process, _ in workers]
        if any(statuses):
            raise ProgramFailed(f"a worker ended with {max(statuses)}; its log is in {options.work}")
        print("\nBoth workers were sent SIGTERM, finished what they had begun, and ended with 0.")
    return 0


def is_ready(name: str, process: subprocess.Popen, port: int, work: Path) -> bool:
    if process.poll() is not None:
        raise ProgramFailed(f"worker {name} ended: {(work / f'worker-{name}.log').read_text()[-2000:]}")
    try:
        return bool(get(port, "/readyz"))
    except OSError:
        return False


def counted(port: int) -> str:
    values = dict(line.rsplit(" ", 1) for line in get(port, "/metrics").splitlines() if not line.startswith("#"))
    jobs = float(values.get('focus_jobs_total{outcome="answered"}', 0))
    tower = float(values.get('focus_stage_duration_seconds_count{stage="vision"}', 0))
    return f"{jobs:.0f} jobs answered, the vision tower ran {tower:.0f} times"


def get(port: int, path: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        return answer.read().decode()


if __name__ == "__main__":
    sys.exit(main())
