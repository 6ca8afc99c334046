"""A `focus run` that is asked over its standard input: loaded and warm before the clock starts."""

import argparse
import base64
import collections
import contextlib
import json
import queue
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from . import options as bench_options
from . import photograph, programs, tiles

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


def line(job: dict) -> bytes:
    return json.dumps(job).encode() + b"\n"


def questions(count: int, image: int) -> list[str]:
    """Different for each image."""
    forms = ["What is shown in part {} of picture {}?", "Which colour is part {} of picture {}?",
             "How many things are in part {} of picture {}?", "Who could have made part {} of picture {}?"]
    return [forms[number % len(forms)].format(number, image) for number in range(count)]


class FocusRun:
    """Use as a context manager; within, the model is loaded and has answered about a picture of its own.

    `images` is the folder of the jobs' images. `warm_up` is that picture's size; left out, the smallest the model sees.
    """

    def __init__(self, program: Path, options: argparse.Namespace, images: Path, flags: list,
                 warm_up: tuple[int, int] | None = None):
        self.warm_up = warm_up or tiles.smallest_image(bench_options.vision_file(options))
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
        picture = base64.b64encode(photograph.photograph(self.warm_up, "warm-up")).decode()
        self.ask([{"job_id": "warm-up", "image": {"data": picture}, "parameters": {"max_tokens": 2},
                   "questions": [{"question_id": "0", "text": "What is this?"}]}])
        return self

    def __exit__(self, *failure) -> None:
        """What is in flight is finished first, the token store's saves with it."""
        if failure[0] is not None:
            self.process.kill()
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        self.process.wait()
        for reader in self.readers:
            reader.join()

    def ask(self, jobs: list[dict]) -> Asked:
        """All jobs at once. Results come back in the order of jobs and questions."""
        lines = b"".join(map(line, jobs))
        expected = [(job["job_id"], question["question_id"]) for job in jobs for question in job["questions"]]
        start = time.monotonic()
        # Beside the reading: a pipe that is full on both sides would wait for ever.
        threading.Thread(target=self.write, args=[lines], daemon=True).start()
        results, end = {}, start
        while len(results) < len(expected):
            end, received = self.next_line()
            result = json.loads(received)
            if "answer" not in result:
                raise programs.ProgramFailed(f"focus did not answer: {received.decode()[:500]}")
            results[result["job_id"], result["question_id"]] = result
        return Asked(end - start, [results[key] for key in expected])

    def next_line(self) -> tuple[float, bytes]:
        """The next line of results, and when it came."""
        try:
            time_received, received = self.answers.get(timeout=ANSWER_SECONDS)
        except queue.Empty:
            self.fail(f"no answer in {ANSWER_SECONDS} s")
        if not received:
            self.fail("it ended early")
        return time_received, received

    def take_results(self) -> list[dict]:
        """What came since it was last taken, refusals included; does not wait."""
        return [json.loads(self.next_line()[1]) for _ in range(self.answers.qsize())]

    def write(self, lines: bytes) -> bool:
        """False where the run has ended: whoever waits for its answers says so."""
        try:
            self.process.stdin.write(lines)
            self.process.stdin.flush()
        except (OSError, ValueError):
            return False
        return True

    def read_answers(self) -> None:
        for received in self.process.stdout:
            self.answers.put((time.monotonic(), received))
        self.answers.put((time.monotonic(), b""))

    def read_log(self) -> None:
        for told in self.process.stderr:
            self.log.append(told.decode(errors="replace").rstrip())
            if b" loaded in " in told:
                self.loaded.set()
        self.loaded.set()

    def fail(self, what: str) -> None:
        self.process.kill()
        self.process.wait()
        for reader in self.readers:
            reader.join()
        raise programs.ProgramFailed("\n".join([f"{self.command[0]} run: {what}", *self.log]))
