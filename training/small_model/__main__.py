"""Trains the small FocusLLaVA from nothing, evaluates it and exports it.

    python -m training.small_model train --folder DIRECTORY
    python -m training.small_model evaluate --folder DIRECTORY
    python -m training.small_model export --folder DIRECTORY --output models/focus-small
    python -m training.small_model slim --folder DIRECTORY --stage full --output full.pt
    python -m training.small_model plot --folder DIRECTORY --output curves.png

Training goes on where it was stopped or killed, so it can be run in slices (`--minutes`). SIGTERM stops it after the
step that it is at, and nothing is lost.
"""

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path

import torch

from ..scenes.splits import HELD_OUT, LETTERS, SPLITS, TRAINING
from ..scenes.store import SceneStore
from .evaluation import SETTINGS, evaluate, evaluation_batches
from .evaluation_files import file_batches
from .exporting import SHAPE, export, export_checkpoint
from .network import Network
from .saved import load, save, slim
from .stages import STAGES
from .stopping import stop_when_asked
from .tokens import Prompts, train_vocabulary
from .training_run import Settings, train_part, train_stages

CPU_INFO = Path("/proc/cpuinfo")  # Linux alone has it; so do all machines that this was run on


def main() -> None:
    options = arguments()
    options.run(options)


def train(options: argparse.Namespace) -> None:
    until = time.monotonic() + 60 * options.minutes if options.minutes else float("inf")
    counts = {TRAINING: options.scenes, LETTERS: options.scenes // 4}
    seen = {split for name in options.stages for split in STAGES[name].splits}
    stores = {split: SceneStore(options.folder / "scenes", split, count)
              for split, count in counts.items() if split in seen}
    for store in stores.values():
        store.draw(max(options.processes, options.workers))
    settings = Settings(options.folder, tokenizer(options.folder), stores, options.device,
                        precision(options), options.batch, options.questions,
                        options.workers, options.seed, options.share)
    stop_when_asked()
    if options.processes == 1:
        train_stages(settings, options.stages, until)
        return
    if options.device != "cpu":
        raise SystemExit("error: --processes is for CPUs; one process drives a GPU, with --workers to feed it")
    settings = replace(settings, processes=options.processes)
    meeting = options.folder / "meeting"
    meeting.unlink(missing_ok=True)  # of a run that was killed
    torch.multiprocessing.spawn(train_part, (settings, options.stages, until, meeting), options.processes)


def evaluate_stage(options: argparse.Namespace) -> None:
    saved = load(options.folder / f"{options.stage}.pt")
    network = Network(SHAPE, Prompts(saved["tokenizer"]).before)
    network.load(saved["weights"])
    network.compute_in(precision(options)).to(options.device)
    unknown = set(options.settings) - {setting.name for setting in SETTINGS}
    if unknown:
        raise SystemExit(f"error: no setting {unknown.pop()!r}; there are: {', '.join(one.name for one in SETTINGS)}")
    settings = [setting for setting in SETTINGS if not options.settings or setting.name in options.settings]
    if options.set:
        batches, name = file_batches(options.set, saved["tokenizer"], options.batch), options.set.name
    else:
        store = SceneStore(options.folder / "scenes", SPLITS[options.split], options.scenes)
        store.draw(1)
        batches, name = evaluation_batches(store, saved["tokenizer"], options.batch, options.questions), options.split
    found = evaluate(network, (batch.to(options.device) for batch in batches), settings)
    path = options.folder / f"evaluation-{options.stage}-{name}.json"
    earlier = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps(earlier | found, indent=1) + "\n")
    for name, values in found.items():
        print(f"{name:34}", " ".join(f"{key} {value:.3f}" for key, value in values.items()))


def export_stage(options: argparse.Namespace) -> None:
    saved = load(options.folder / f"{options.stage}.pt")
    export(options.output, saved["weights"], saved["tokenizer"], options.type)
    if options.checkpoint:
        export_checkpoint(options.checkpoint, saved["weights"], saved["tokenizer"])


def slim_stage(options: argparse.Namespace) -> None:
    save(options.output, slim(load(options.folder / f"{options.stage}.pt")))


def plot(options: argparse.Namespace) -> None:
    from .plotting import plot_log
    plot_log(options.folder, options.output)


def precision(options: argparse.Namespace) -> torch.dtype:
    """BF16 where products in it are faster: a CPU without them computes each in float32, many times slower."""
    is_fast = options.device != "cpu" or "avx512_bf16" in CPU_INFO.read_text()
    return torch.bfloat16 if is_fast and not options.exact else torch.float32


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

    def command(name: str, run, text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text)
        added.set_defaults(run=run)
        added.add_argument("--folder", type=Path, required=True, help="of the run: scenes, checkpoints and the log")
        return added

    def computing(added: argparse.ArgumentParser, scenes: int, questions: int) -> None:
        added.add_argument("--scenes", type=int, default=scenes, help="drawn ahead; about 270 kB each")
        added.add_argument("--device", default="cpu", help="cpu or cuda")
        added.add_argument("--batch", type=int, default=16, help="images at once")
        added.add_argument("--questions", type=int, default=questions, help="about each image, at most")
        added.add_argument("--exact", action="store_true", help="compute in float32 even where BF16 is faster")

    training = command("train", train, "all stages, or some")
    computing(training, 80_000, 24)
    training.add_argument("--stages", nargs="+", choices=STAGES, default=list(STAGES))
    training.add_argument("--minutes", type=float, help="stop after these, to be gone on with")
    training.add_argument("--share", type=float, default=1.0, help="of each stage's images, to try things")
    training.add_argument("--processes", type=int, default=1, help="on a CPU, with averaged gradients")
    training.add_argument("--workers", type=int, default=0, help="processes that make batches: for a GPU")
    training.add_argument("--seed", default="1")

    evaluating = command("evaluate", evaluate_stage, "accuracy by kind of question, at several settings")
    computing(evaluating, 600, 14)
    evaluating.add_argument("--stage", choices=STAGES, default="samplers")
    evaluating.add_argument("--split", choices=SPLITS, default=HELD_OUT.name)
    evaluating.add_argument("--set", type=Path, help="folder by training.scenes.evaluation_set, in place of a split")
    evaluating.add_argument("--settings", nargs="+", default=[], help="their names; all by default")

    exporting = command("export", export_stage, "the worker's three files")
    exporting.add_argument("--stage", choices=STAGES, default="samplers")
    exporting.add_argument("--output", type=Path, required=True)
    exporting.add_argument("--type", default="F16", help="of the weights: F16, F32, Q8_0, ...")
    exporting.add_argument("--checkpoint", type=Path, help="folder for a Hugging Face checkpoint in F32")

    slimming = command("slim", slim_stage, "a stage's file to keep or pass on: as STAGE.pt in a folder, it is gone on with")
    slimming.add_argument("--stage", choices=STAGES, default="samplers")
    slimming.add_argument("--output", type=Path, required=True)

    command("plot", plot, "curves of the log").add_argument("--output", type=Path, required=True)
    return parser.parse_args()


if __name__ == "__main__":
    main()
