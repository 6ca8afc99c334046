"""Trains the samplers of a Hugging Face LLaVA-1.5 or LLaVA-NeXT checkpoint, and exports them for the worker.

    python -m training.recipe train --model FOLDER_OR_NAME --data conversations.json --images DIRECTORY --output RUN
    python -m training.recipe export --run RUN --vision vision.gguf --output DIRECTORY

Training goes on where it was stopped or killed when it is run again. SIGTERM stops it after the step that it is at,
and nothing is lost.
"""

import argparse
import math
from pathlib import Path

import torch
import transformers

from ..goldens.prompts import TEMPLATES
from ..samplers.settings import default_selection_layer
from ..small_model.stopping import stop_when_asked
from . import settings as run_settings
from .batches import Batches
from .checkpoint import configuration, pixel_statistics
from .conversations import read_conversations
from .exporting import export
from .pictures import Cutter
from .prompts import Prompts, fitting_prompt
from .settings import RunSettings
from .skipped import Skipped
from .tokenizer import Tokenizer
from .training_run import TrainingRun


def main(words: list[str] | None = None) -> None:
    """`words` are the command line's, by default."""
    transformers.logging.disable_progress_bar()
    options = arguments(words)
    options.run(options)


def train(options: argparse.Namespace) -> None:
    skipped = Skipped()
    config, tokenizer = configuration(options.model), Tokenizer(options.model)
    pictures = read_conversations(options.data, options.images, skipped)
    print(f"{len(pictures)} pictures with {sum(len(picture.questions) for picture in pictures)} questions; "
          f"skipped: {skipped}", flush=True)
    if not pictures:
        raise SystemExit(f"error: {options.data} names no picture in {options.images} that can be used")
    settings = chosen(options, config, tokenizer, len(pictures))
    end = config.text_config.eos_token_id
    prompts = Prompts(settings.prompt, tokenizer, end[0] if isinstance(end, list) else end)
    batches = Batches(pictures, options.images, Cutter(config, *pixel_statistics(options.model, config)), prompts,
                      settings.batch, settings.questions, settings.longest, settings.seed)
    run_settings.keep(options.output, settings)
    stop_when_asked()
    run = TrainingRun(options.output, settings, batches, options.device, skipped, options.workers)
    run.run()
    print(f"{'done' if run.is_done else 'stopped'} after {run.step} steps; skipped: {skipped}")


def chosen(options: argparse.Namespace, config, tokenizer: Tokenizer, pictures: int) -> RunSettings:
    steps = options.steps or math.ceil(options.epochs * pictures / (options.batch * options.accumulate))
    layers = config.text_config.num_hidden_layers
    layer = options.selection_layer or default_selection_layer(layers)
    if not 1 <= layer <= layers:
        raise SystemExit(f"error: --selection-layer {layer}: the language model has layers 1 to {layers}")
    if abs(sum(options.shares) - 1) > 1e-4 or min(options.shares) <= 0:
        raise SystemExit("error: --shares must be above 0 and sum to 1")
    is_on_cpu = options.device == "cpu"
    precision = options.precision
    if precision == "auto":  # processors without BF16 instructions take ten times as long over it
        precision = "float32" if is_on_cpu else "bf16"
    checkpointing = not is_on_cpu if options.checkpointing is None else options.checkpointing
    return RunSettings(
        options.model, run_settings.digest(options.data), options.tune,
        options.prompt or fitting_prompt(config, tokenizer), steps, options.batch, options.accumulate,
        options.questions, options.longest, options.rate, options.lora_rate, options.lora_rank, tuple(options.shares),
        options.pooling, layer, precision, checkpointing, options.seed)


def export_run(options: argparse.Namespace) -> None:
    for path in export(options.run_folder, options.output, options.vision):
        print(f"wrote {path}")
    if options.vision is None:
        print("without --vision the worker cannot check that the sampler fits its vision file")


def arguments(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m training.recipe", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    training = commands.add_parser("train", help="start a run, or go on with one",
                                   formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    training.set_defaults(run=train)
    add = training.add_argument
    add("--model", required=True, help="checkpoint: a folder, or its name on Hugging Face's hub")
    add("--data", type=Path, required=True, help="conversations in LLaVA's format, .json or .jsonl")
    add("--images", type=Path, required=True, help="folder that the images' paths start from")
    add("--output", type=Path, required=True, help="folder of the run")
    add("--tune", choices=["router", "lora"], default="router", help="lora: adapters on the language model too")
    add("--prompt", choices=TEMPLATES, help="None: the published one for the checkpoint's kind")
    add("--steps", type=positive, help="None: as --epochs gives")
    add("--epochs", type=float, default=1.0, help="passes over the pictures")
    add("--batch", type=positive, default=RunSettings.batch, help="pictures at once")
    add("--accumulate", type=positive, default=RunSettings.accumulate, help="batches in a step")
    add("--questions", type=positive, default=RunSettings.questions, help="about a picture at once, at most")
    add("--longest", type=positive, default=RunSettings.longest, help="question and answer, in tokens")
    add("--rate", type=float, default=RunSettings.rate, help="highest learning rate of the router")
    add("--lora-rate", type=float, default=RunSettings.lora_rate, help="and of the adapters")
    add("--lora-rank", type=positive, default=RunSettings.lora_rank, help="of the adapters' matrices")
    add("--shares", type=float, nargs=3, default=RunSettings.shares,
        help="of blocks wanted at scales 1, 2 and 4; these keep about 0.38 of a tiled image's tokens")
    add("--pooling", choices=["mean", "max"], default=RunSettings.pooling,
        help="mean: the projector is frozen, and never saw maxima")
    add("--selection-layer", type=positive, help="None: a quarter of the language model's layers")
    add("--device", default="cpu", help="cpu or cuda")
    add("--precision", choices=["auto", "bf16", "float32"], default="auto", help="auto: bf16 on a GPU")
    add("--checkpointing", action=argparse.BooleanOptionalAction,
        help="compute layers again on the way back: less memory, more time; None: on a GPU")
    add("--workers", type=int, default=0, help="processes that read and cut images; 0: the training process")
    add("--seed", default=RunSettings.seed, help="of everything that is drawn")
    exporting = commands.add_parser("export", help="write sampler.gguf and, after lora, the language model")
    exporting.set_defaults(run=export_run)
    exporting.add_argument("--run", dest="run_folder", type=Path, required=True, help="folder of the run")
    exporting.add_argument("--vision", type=Path, help="the vision file that it will be served with")
    exporting.add_argument("--output", type=Path, required=True)
    return parser.parse_args(words)


def positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return value


if __name__ == "__main__":
    main()
