"""A `focus run` that is asked over its standard input: loaded once, timed from question to answer."""

import argparse
import collections
import json
import queue
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from . import options as bench_options

PROMPT = "USER: {image}\n{question} ASSISTANT:"
LOAD_SECONDS = 600
ANSWER_SECONDS = 3600


@dataclass
class Asked:
    seconds: float  # from the first job sent to the last result received
    results: list[dict]

    @property
    def completion_tokens(self) -> int:
        return sum(result["usage"]["completion_tokens"] for result in self.results)

    @property
    def texts(self) -> list[str]:
        """The answers, in the order of jobs and questions."""
        return [result["answer"] for result in self.results]


def job(name: str, image: Path, questions: list[str], **parameters) -> dict:
    return {"job_id": name, "image": {"uri": image.name},
            "questions": [{"question_id": str(number), "text": text} for number, text in enumerate(questions)],
            "parameters": {name: value for name, value in parameters.items() if value is not None}}


def questions(count: int, image: int) -> list[str]:
    """Different for each image."""
    forms = ["What is shown in part {} of picture {}?", "Which colour is part {} of picture {}?",
             "How many things are in part {} of picture {}?", "Who could have made part {} of picture {}?"]
    return [forms[number % len(forms)].format(number, image) for number in range(count)]


class FocusRun:
    """Use as a context manager; within, the model is loaded."""

    def __init__(self, program: Path, options: argparse.Namespace, images: Path, flags: list = []):
        self.command = [str(part) for part in [
            program, "run", *bench_options.model_flags(options), "--format", "jobs", "--input", "-", "--output", "-",
            "--image-root", images, "--prompt-template", PROMPT, *flags]]

    def __enter__(self) -> "FocusRun":
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE)
        self.answers: queue.Queue[tuple[float, bytes]] = queue.Queue()
        self.log: collections.deque[str] = collections.deque(maxlen=20)
        self.loaded = threading.Event()
        self.readers = [threading.Thread(target=read, daemon=True) for read in (self.read_answers, self.read_log)]
        for reader in self.readers:
            reader.start()
        if not self.loaded.wait(LOAD_SECONDS) or self.process.poll() is not None:
            self.fail("the model was not loaded")
        return self

    def __exit__(self, *failure) -> None:
        """What is in flight is finished first, the token store's saves with it."""
        if failure[0] is not None:
            self.process.kill()
        self.process.stdin.close()
        self.process.wait()
        for reader in self.readers:
            reader.join()

    def ask(self, jobs: list[dict]) -> Asked:
        """All jobs at once. Results come back in the order of jobs and questions."""
        lines = b"".join(json.dumps(job).encode() + b"\n" for job in jobs)
        expected = [(job["job_id"], question["question_id"]) for job in jobs for question in job["questions"]]
        start = time.monotonic()
        # Beside the reading: a pipe that is full on both sides would wait for ever.
        threading.Thread(target=self.write, args=[lines], daemon=True).start()
        results, end = {}, start
        while len(results) < len(expected):
            end, line = self.next_line()
            result = json.loads(line)
            if "answer" not in result:
                raise RuntimeError(f"focus did not answer: {line.decode()[:500]}")
            results[result["job_id"], result["question_id"]] = result
        return Asked(end - start, [results[key] for key in expected])

    def next_line(self) -> tuple[float, bytes]:
        """The next line of results, and when it came."""
        try:
            time_received, line = self.answers.get(timeout=ANSWER_SECONDS)
        except queue.Empty:
            self.fail(f"no answer in {ANSWER_SECONDS} s")
        if not line:
            self.fail("it ended early")
        return time_received, line

    def write(self, lines: bytes) -> None:
        try:
            self.process.stdin.write(lines)
            self.process.stdin.flush()
        except OSError:
            pass  # it ended: whoever waits for the answers says so

    def read_answers(self) -> None:
        for line in self.process.stdout:
            self.answers.put((time.monotonic(), line))
        self.answers.put((time.monotonic(), b""))

    def read_log(self) -> None:
        for line in self.process.stderr:
            self.log.append(line.decode(errors="replace").rstrip())
            if b" loaded in " in line:
                self.loaded.set()
        self.loaded.set()

    def fail(self, what: str) -> None:
        self.process.kill()
        self.process.wait()
        for reader in self.readers:
            reader.join()
        raise RuntimeError("\n".join([f"{self.command[0]} run: {what}", *self.log]))
