"""Runs the training from where it was left, to its end or to a request to stop."""

import resource
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import torch

from ..small_model.saved import Log, load, save
from ..small_model.scale_entropy import ScaleCounts
from ..small_model.schedule import rate_share
from ..small_model.stopping import is_asked_to_stop
from .batches import Batch, Batches
from .checkpoint import build, trained
from .loss import batch_loss, feature_maps
from .settings import RunSettings
from .skipped import Skipped
from .teacher import IMAGES, Teacher, measured_thresholds

LARGEST_NORM = 1.0  # of the gradient
SAVED_EVERY = 120.0  # seconds
STATE = "state.pt"


class TrainingRun:
    """Its state is what is trained, the optimizer, the teacher and the number of the next step: the rest follows."""

    def __init__(self, folder: Path, settings: RunSettings, batches: Batches, device: str, skipped: Skipped,
                 workers: int = 0, logged_every: int = 10) -> None:
        self.folder, self.settings, self.batches, self.skipped = folder, settings, batches, skipped
        self.workers, self.logged_every = workers, logged_every
        self.focus = build(settings).to(device)
        adapters = [parameter for name, parameter in trained(self.focus) if "lora_" in name]
        self.optimizer = torch.optim.AdamW([{"params": list(self.focus.vision_guided.parameters()),
                                             "highest": settings.rate},
                                            {"params": adapters, "highest": settings.lora_rate}], weight_decay=0.0)
        self.step = 0
        if (folder / STATE).exists():
            self._load()
        else:
            self.teacher = self._new_teacher()

    @property
    def is_done(self) -> bool:
        return self.step >= self.settings.steps

    def run(self, until: int | None = None) -> None:
        """Until the run is done, is asked to stop, or has done `until` steps. Saved at the end in each case."""
        log = Log(self.folder, self.settings.tune, self.step)
        sums, counts, last_saved = defaultdict(list), ScaleCounts(), time.monotonic()
        started, first = time.monotonic(), self.step
        accumulate, end = self.settings.accumulate, min(self.settings.steps, until or self.settings.steps)
        numbers = range(self.step * accumulate, end * accumulate)
        for number, batch in zip(numbers, self._loaded(numbers)):
            for kind, what in batch.skipped:
                self.skipped.add(kind, what)
            if batch.images:
                found = batch_loss(self.focus, batch, self.teacher, self.settings, number,
                                   self.step / self.settings.steps)
                (found.loss / accumulate).backward()
                for name, value in found.values.items():
                    sums[name].append(value.detach())
                for choice in found.choices:
                    counts.add(f"{choice.shape}", choice)
            if (number + 1) % accumulate:
                continue
            sums["norm"].append(self._update())
            now = time.monotonic()
            if self.step % self.logged_every == 0 or self.step == end:
                speed = (self.step - first) * accumulate * self.settings.batch / (now - started)
                self._report(log, sums, counts, speed)
                sums, counts = defaultdict(list), ScaleCounts()
            if now - last_saved > SAVED_EVERY:
                self._save()
                last_saved = now
            if is_asked_to_stop():
                break
        self._save()

    def _loaded(self, numbers: range) -> Iterator[Batch]:
        """Ends early where a request to stop has reached the processes that read images too."""
        try:
            yield from self.batches.loader(numbers, self.workers)
        except RuntimeError:
            if not is_asked_to_stop():
                raise

    def _update(self) -> torch.Tensor:
        """One step of the weights; the norm of their gradient. A step whose gradient is not finite changes nothing."""
        parameters = [parameter for _, parameter in trained(self.focus)]
        norm = torch.nn.utils.clip_grad_norm_(parameters, LARGEST_NORM)
        for group in self.optimizer.param_groups:
            group["lr"] = group["highest"] * rate_share(self.step, self.settings.steps)
        if norm.isfinite():
            self.optimizer.step()
        else:
            self.skipped.add("gradient not finite", f"step {self.step}")
        self.optimizer.zero_grad()
        self.step += 1
        return norm.detach()

    def _report(self, log: Log, sums: dict[str, list[torch.Tensor]], counts: ScaleCounts, speed: float) -> None:
        values = {name: float(torch.stack([value.cpu().float() for value in kept]).nanmean())
                  for name, kept in sums.items()}
        values |= counts.entropies() | {"speed": speed, "memory": peak_memory(self.optimizer)}
        values = {name: round(float(value), 4) for name, value in values.items()}
        log.add(self.step, **values, skipped=sum(self.skipped.counts.values()))
        left = (self.settings.steps - self.step) * self.settings.accumulate * self.settings.batch / speed / 3600
        shown = ", ".join(f"{name} {value:.4g}" for name, value in values.items() if name != "speed")
        print(f"{self.step}/{self.settings.steps} {shown}; {speed:.2f} images/s, {left:.1f} h left", flush=True)

    def _new_teacher(self) -> Teacher:
        count = min(IMAGES, len(self.batches.pictures))
        maps = []
        for number in range(-(-count // self.batches.size)):
            images = self.batches[number].images
            maps += feature_maps(self.focus, images) if images else []
        if not maps:
            raise SystemExit("error: none of the first pictures can be used: see the warnings, and --images")
        return Teacher(self.settings.sampler, measured_thresholds(maps, self.settings.sampler, self.settings.shares))

    def _save(self) -> None:
        save(self.folder / STATE, {"step": self.step, "thresholds": self.teacher.thresholds,
                                   "weights": {name: weight.detach() for name, weight in trained(self.focus)},
                                   "optimizer": self.optimizer.state_dict()})

    def _load(self) -> None:
        state = load(self.folder / STATE)
        self.step, self.teacher = state["step"], Teacher(self.settings.sampler, state["thresholds"])
        put_weights(self.focus, state["weights"])
        self.optimizer.load_state_dict(state["optimizer"])


def put_weights(focus: torch.nn.Module, weights: dict[str, torch.Tensor]) -> None:
    with torch.no_grad():
        for name, parameter in trained(focus):
            parameter.copy_(weights[name])


def peak_memory(optimizer: torch.optim.Optimizer) -> float:
    """In GiB: of the GPU that the weights are on, else of this process."""
    if optimizer.param_groups[0]["params"][0].is_cuda:
        return torch.cuda.max_memory_allocated() / 2 ** 30
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2 ** 20
