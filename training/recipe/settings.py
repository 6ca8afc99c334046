"""What a run was started with. All that changes its weights is fixed by its first start."""

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from ..samplers.settings import SamplerSettings

FILE = "run.json"


@dataclass(frozen=True)
class RunSettings:
    model: str  # a checkpoint's folder, or its name on Hugging Face's hub
    conversations: str  # SHA-256 of the data file
    tune: str  # "router" or "lora"
    prompt: str
    steps: int
    batch: int = 2  # images at once
    accumulate: int = 8  # batches in a step
    questions: int = 4  # about an image, at most
    longest: int = 1024  # tokens of a question and its answer: longer ones are skipped
    rate: float = 5e-4  # the router's highest learning rate
    lora_rate: float = 1e-4
    lora_rank: int = 16
    shares: tuple[float, ...] = (0.32, 0.28, 0.40)  # of blocks at each scale, finest first
    pooling: str = "mean"
    selection_layer: int = 1
    precision: str = "float32"  # or "bf16"
    checkpointing: bool = False
    seed: str = "1"

    @property
    def sampler(self) -> SamplerSettings:
        return SamplerSettings(pooling=self.pooling, selection_layer=self.selection_layer)


def keep(folder: Path, settings: RunSettings) -> None:
    """Writes `run.json` at a run's first start; afterwards refuses other settings than it holds."""
    path = folder / FILE
    if path.exists():
        before, now = asdict(read(folder)), asdict(settings)
        for name in now:
            if before[name] != now[name]:
                raise SystemExit(f"error: {folder} was started with {name} {before[name]}, not {now[name]}: "
                                 "go on with the same options, or start another folder")
        return
    folder.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(asdict(settings), indent=1) + "\n")
    os.replace(fresh, path)


def read(folder: Path) -> RunSettings:
    path = folder / FILE
    if not path.exists():
        raise SystemExit(f"error: {folder} holds no run: {FILE} is missing")
    values = json.loads(path.read_text())
    return RunSettings(**values | {"shares": tuple(values["shares"])})


def digest(path: Path) -> str:
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise SystemExit(f"error: {path} cannot be read: {error.strerror}") from None
