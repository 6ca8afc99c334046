"""Trains the small FocusLLaVA from nothing, evaluates it and exports it.

    python -m training.small_model train --folder DIRECTORY
    python -m training.small_model evaluate --folder DIRECTORY
    python -m training.small_model export --folder DIRECTORY --output models/focus-small

Training goes on where it was stopped or killed, so it can be run in slices (`--minutes`).
"""

import argparse
import time
from dataclasses import replace
from pathlib import Path

import torch

from ..scenes.splits import TRAINING
from ..scenes.store import SceneStore
from .stages import STAGES
from .tokens import train_vocabulary
from .training_run import Settings, StageRun


def main() -> None:
    options = arguments()
    options.run(options)


def train(options: argparse.Namespace) -> None:
    until = time.monotonic() + 60 * options.minutes if options.minutes else float("inf")
    store = SceneStore(options.folder / "scenes", TRAINING, options.scenes)
    store.draw(options.processes)
    settings = Settings(options.folder, tokenizer(options.folder), store, options.device,
                        torch.float32 if options.exact else torch.bfloat16, options.batch, options.questions,
                        options.workers, options.seed, options.share)
    if options.processes == 1:
        train_stages(settings, options.stages, until)
        return
    if options.device != "cpu":
        raise SystemExit("error: --processes is for CPUs; one process drives a GPU, with --workers to feed it")
    settings = replace(settings, processes=options.processes)
    torch.multiprocessing.spawn(train_part, (settings, options.stages, until, options.folder / "meeting"), options.processes)


def train_part(rank: int, settings: Settings, stages: list[str], until: float, meeting: Path) -> None:
    """One of several processes, each with a part of every batch; they average gradients."""
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", f"file://{meeting.absolute()}", rank=rank, world_size=settings.processes)
    train_stages(replace(settings, rank=rank), stages, until)


def train_stages(settings: Settings, stages: list[str], until: float) -> None:
    for name in stages:
        run = StageRun(settings, STAGES[name])
        if not run.is_done:
            run.run(until)
        if not run.is_done:
            return


def tokenizer(folder: Path) -> bytes:
    """Trained once for a run: another version of the trainer might make another."""
    path = folder / "tokenizer.model"
    if not path.exists():
        path.write_bytes(train_vocabulary().source)
    return path.read_bytes()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m training.small_model", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("train", help="all stages, or some")
    command.set_defaults(run=train)
    command.add_argument("--folder", type=Path, required=True, help="for scenes, checkpoints and the log")
    command.add_argument("--stages", nargs="+", choices=STAGES, default=list(STAGES))
    command.add_argument("--scenes", type=int, default=48_000, help="drawn ahead; about 270 kB each")
    command.add_argument("--minutes", type=float, help="stop after these, to be gone on with")
    command.add_argument("--share", type=float, default=1.0, help="of each stage's images, to try things")
    command.add_argument("--device", default="cpu", help="cpu or cuda")
    command.add_argument("--processes", type=int, default=1, help="on a CPU, with averaged gradients")
    command.add_argument("--workers", type=int, default=0, help="processes that make batches: for a GPU")
    command.add_argument("--batch", type=int, default=16, help="images in a step")
    command.add_argument("--questions", type=int, default=24, help="about each image")
    command.add_argument("--exact", action="store_true", help="compute in float32")
    command.add_argument("--seed", default="1")
    return parser.parse_args()


if __name__ == "__main__":
    main()
