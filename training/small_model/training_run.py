"""Runs a stage from where it was left, to its end or to a time limit."""

import math
import time
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from ..scenes.splits import Split
from ..scenes.store import SceneStore
from ..shapes import SHAPES
from .batches import Batches
from .llava import set_token_scale
from .master_weights import MasterWeights
from .network import Network
from .processes import any_says, wait_for_all
from .saved import Log, load, save
from .schedule import rate_share
from .stages import STAGES, Stage
from .stopping import is_asked_to_stop, stop_when_asked
from .tokens import Prompts

SAVED_EVERY, LOGGED_EVERY = 60.0, 20  # seconds; steps


@dataclass(frozen=True)
class Settings:
    folder: Path
    tokenizer: bytes
    stores: dict[Split, SceneStore]
    device: str = "cpu"
    precision: torch.dtype = torch.bfloat16
    batch: int = 16  # images, of all processes together
    questions: int = 24  # about each
    workers: int = 0  # processes that make batches; 0: the training process itself
    seed: str = "1"
    share: float = 1.0  # of each stage's images: to try things
    rank: int = 0
    processes: int = 1


class StageRun:
    """A stage's state is its weights, its optimizer and the number of its next step: all else follows from these."""

    def __init__(self, settings: Settings, stage: Stage) -> None:
        self.settings, self.stage = settings, stage
        self.steps = max(1, round(stage.images * settings.share / settings.batch))
        self.path = settings.folder / f"{stage.name}.pt"
        torch.manual_seed(0)  # first weights
        self.network = Network(SHAPES["focus-small"], Prompts(settings.tokenizer).before)
        self.network.compute_in(settings.precision).to(settings.device).train()
        self.weights = MasterWeights(self.network)
        self.step = 0
        self._load()

    @property
    def is_done(self) -> bool:
        return self.step >= self.steps

    def run(self, until: float = math.inf) -> None:
        """Until the stage is done, or the clock (`time.monotonic`) passes `until`."""
        log = Log(self.settings.folder, self.stage.name, self.step) if self.settings.rank == 0 else None
        sums, started, first = defaultdict(list), time.monotonic(), self.step
        last_saved = started
        batches = self._batches(self.settings.batch // self.settings.processes, self.settings.rank)
        for batch in batches.loader(range(self.step, self.steps), self.settings.workers):
            loss, values = self.stage.loss(self.network, batch.to(self.settings.device), batches.choices(self.step),
                                           self.step / self.steps)
            loss.backward()
            values |= {"loss": loss, "norm": self.weights.step(self.stage.rate * rate_share(self.step, self.steps))}
            self.step += 1
            for name, value in values.items():
                sums[name].append(torch.as_tensor(value).detach())
            now = time.monotonic()
            if self.step % LOGGED_EVERY == 0 or self.is_done:
                means = {name: round(float(torch.stack(kept).float().mean()), 4) for name, kept in sums.items()}
                speed = (self.step - first) * self.settings.batch / (now - started)
                if log is not None:
                    log.add(self.step, images=self.step * self.settings.batch, **means, speed=round(speed, 2))
                    print(f"{self.stage.name} {self.step}/{self.steps} {means} {speed:.1f} images/s", flush=True)
                sums.clear()
            if now - last_saved > SAVED_EVERY:
                self._save()
                last_saved = now
            if any_says(now > until or is_asked_to_stop()):
                break
        self._save()
        wait_for_all()

    def _batches(self, size: int, part: int) -> Batches:
        settings, stage = self.settings, self.stage
        return Batches([settings.stores[split] for split in stage.splits], settings.tokenizer, size, settings.questions,
                       f"{settings.seed}/{stage.name}", part, stage.formats, stage.questions)

    def _save(self) -> None:
        if self.settings.rank == 0:
            save(self.path, {"images": self.step * self.settings.batch, "weights": self.weights.weights(),
                             "optimizer": self.weights.state(), "tokenizer": self.settings.tokenizer})

    def _load(self) -> None:
        if self.path.exists():
            saved = load(self.path)
            self.weights.load(saved["weights"], saved.get("optimizer"))
            # Images, since a stage may go on with another size of batch, or be made longer.
            self.step = round(saved["images"] / self.settings.batch)
        elif self.stage.start is not None:
            start = self.settings.folder / f"{self.stage.start}.pt"
            if not start.exists():
                raise SystemExit(f"error: {start} is missing: the stage {self.stage.start} comes before {self.stage.name}")
            self.weights.load(load(start)["weights"])
            if STAGES[self.stage.start].start is None:
                self._join()

    def _join(self) -> None:
        """Puts the trained tower and the untrained language model on one scale."""
        pixels = self._batches(8, part=0)[0].pixels.to(self.settings.device)
        with torch.no_grad():
            features = self.network.llava.features(pixels)
        set_token_scale(self.network.llava, features)
        self.weights.take()


def train_stages(settings: Settings, stages: list[str], until: float) -> None:
    for name in stages:
        run = StageRun(settings, STAGES[name])
        if not run.is_done:
            run.run(until)
        if not run.is_done:
            return


def train_part(rank: int, settings: Settings, stages: list[str], until: float, meeting: Path) -> None:
    """One of several processes, each with a part of every batch; they average gradients."""
    torch.set_num_threads(1)
    stop_when_asked()
    torch.distributed.init_process_group("gloo", f"file://{meeting.absolute()}", rank=rank,
                                         world_size=settings.processes)
    train_stages(replace(settings, rank=rank), stages, until)
