"""What every command of script/bench takes: the model's files, the threads, where figures go."""

import argparse
import os
from pathlib import Path


def add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", type=Path, metavar="DIRECTORY",
                        help="folder of language.gguf, vision.gguf and, if wanted, sampler.gguf")
    parser.add_argument("--language-model", type=Path, metavar="FILE")
    parser.add_argument("--vision-model", type=Path, metavar="FILE")
    parser.add_argument("--sampler", type=Path, metavar="FILE")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="for each program (default: all cores)")
    parser.add_argument("--focus", type=Path, metavar="FILE",
                        help="the focus program to measure (default: this package's, built first)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")


def add_rounds(parser: argparse.ArgumentParser, rounds: int = 3) -> None:
    parser.add_argument("--rounds", type=positive, default=rounds,
                        help=f"how often everything is measured; medians are told (default: {rounds})")


def add_sampling(parser: argparse.ArgumentParser, budget: float = 0.39, ratio: float = 0.5) -> None:
    parser.add_argument("--budget", type=float, default=budget,
                        help=f"share of an image's tokens that compression keeps (default: {budget})")
    parser.add_argument("--ratio", type=float, default=ratio,
                        help=f"share of its tokens that each question selects (default: {ratio})")


def add_image_size(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--size", type=size, metavar="WIDTHxHEIGHT",
                        help="of the images, in pixels (default: as many tiles as the model can see)")


def language_file(options: argparse.Namespace) -> Path:
    return named_file(options, options.language_model, "language.gguf")


def vision_file(options: argparse.Namespace) -> Path:
    return named_file(options, options.vision_model, "vision.gguf")


def named_file(options: argparse.Namespace, file: Path | None, name: str) -> Path:
    if file is None and options.model is None:
        options.parser.error("give --model DIRECTORY, or --language-model and --vision-model")
    file = file or options.model / name
    if not file.is_file():
        options.parser.error(f"{file}: no such file")
    return file


def model_flags(options: argparse.Namespace) -> list:
    """For any command of focus that loads a model."""
    flags = ["--language-model", language_file(options), "--vision-model", vision_file(options)]
    sampler = options.sampler or (options.model / "sampler.gguf" if options.model else None)
    if sampler and (options.sampler or sampler.is_file()):
        flags += ["--sampler", sampler]
    return flags + ["--device", "cpu", "--threads", options.threads]


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, not {text}")
    return number


def size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    return positive(width), positive(height)
