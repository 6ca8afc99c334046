"""Files of a run that survive a kill at any moment: written aside, then renamed."""

import json
import os
from pathlib import Path

import torch


def save(path: Path, content: dict) -> None:
    fresh = path.with_suffix(".new")
    with open(fresh, "wb") as file:
        torch.save(content, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, path)


def load(path: Path) -> dict:
    return torch.load(path, map_location="cpu", weights_only=True)


def slim(content: dict) -> dict:
    """A stage's file at a sixth of its size: weights in F16, without the optimizer, which starts anew."""
    weights = {name: value.half() for name, value in content["weights"].items()}
    return {name: value for name, value in content.items() if name != "optimizer"} | {"weights": weights}


class Log:
    """JSON lines of measurements, `log.jsonl`. Resuming drops those of steps that are done again."""

    def __init__(self, folder: Path, stage: str, step: int) -> None:
        self.path, self.stage = folder / "log.jsonl", stage
        kept = [line for line in read_log(folder) if line["stage"] != stage or line["step"] <= step]
        fresh = self.path.with_suffix(".new")
        fresh.write_text("".join(json.dumps(line) + "\n" for line in kept))
        os.replace(fresh, self.path)

    def add(self, step: int, **values: float) -> None:
        with open(self.path, "a") as file:
            file.write(json.dumps({"stage": self.stage, "step": step} | values) + "\n")


def read_log(folder: Path) -> list[dict]:
    path = folder / "log.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    found = []
    for line in lines:
        try:
            found.append(json.loads(line))
        except json.JSONDecodeError:  # cut short by a kill
            continue
    return found
