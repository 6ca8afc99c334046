"""Batches of an evaluation set's files (scenes/evaluation_set.py): the images and questions that the worker is asked."""

import json
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import numpy as np
from PIL import Image

from ..scenes import labels
from ..scenes.formats import FORMATS, Format
from ..scenes.questions.question import Question
from ..scenes.store import tiling
from ..scenes.things import Box
from ..shapes import SHAPES
from .batches import Batch, batch_of
from .tokens import Prompts


def file_batches(folder: Path, tokenizer: bytes, size: int) -> Iterator[Batch]:
    """Every job of `jobs.jsonl` once, those of one format together."""
    prompts = Prompts(tokenizer)
    jobs = [json.loads(line) for line in (folder / "jobs.jsonl").read_text().splitlines()]
    read = sorted(((*image_of(folder, job), questions_of(job)) for job in jobs), key=lambda one: one[0].name)
    for kind, of_kind in groupby(read, lambda one: one[0]):
        of_kind = list(of_kind)
        for start in range(0, len(of_kind), size):
            _, tiles, questions = zip(*of_kind[start:start + size])
            # What patches show is known of scenes, not of files; evaluation asks nothing of it.
            patches = np.zeros((len(tiles), len(tiles[0]), SHAPES["focus-small"].vision.tokens, labels.WIDTH), np.uint8)
            yield batch_of(kind, np.stack(tiles), patches, list(questions), prompts)


def image_of(folder: Path, job: dict) -> tuple[Format, np.ndarray]:
    """Its tiles `[tile, side, side, 3]`."""
    image = Image.open(folder / job["image"]["uri"]).convert("RGB")
    kind = next((kind for kind in FORMATS if (kind.width, kind.height) == image.size), None)
    if kind is None:
        raise SystemExit(f"error: {folder / job['image']['uri']} is {image.width}x{image.height}, which no scene is")
    return kind, tiling(kind).cut(image)


def questions_of(job: dict) -> list[Question]:
    told = job["metadata"]
    return [Question(told["kinds"][name], one["text"], told["answers"][name],
                     tuple(Box(*edges) for edges in told["regions"][name]))
            for one in job["questions"] for name in (one["question_id"],)]
