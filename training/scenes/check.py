"""Checks the scenes: the same for a seed, rightly answered, rightly cut, and nothing held out in training.

    python -m training.scenes.check
"""

import json
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

import numpy as np
from PIL import Image
from transformers.models.llava_next.image_processing_pil_llava_next import LlavaNextImageProcessorPil

from ..shapes import SHAPES
from . import backgrounds, fonts, handwriting, labels
from .composing import compose
from .drawing import CHARACTERS, draw
from .evaluation_set import write_evaluation_set
from .formats import FORMATS
from .questions.asking import ask
from .recount import recount
from .splits import HELD_OUT, HELD_OUT_PAIRS, LETTERS, PAIRS, SPLITS, TRAINING
from .store import tiling
from .things import COLOURS
from .things import SHAPES as KINDS
from .words import WORDS

SCENES = 250  # of each split
MODEL = SHAPES["focus-small"]


def main() -> None:
    for name in check_scenes():
        print(f"{name}: yes")


def check_scenes() -> Iterator[str]:
    """Names each check that holds; the first that does not raises."""
    for check in (a_seed_makes_one_scene, nothing_overlaps, training_sees_nothing_held_out, answers_are_recounted,
                  answers_are_balanced, tiles_are_hugging_faces, labels_name_what_is_there, jobs_hold_their_answers):
        check()
        yield check.__name__.replace("_", " ")


def scenes(split, count: int = SCENES):
    return [(compose(split, FORMATS[number % len(FORMATS)], number)) for number in range(count)]


def a_seed_makes_one_scene() -> None:
    for split in SPLITS.values():
        first, again = scenes(split, 8), scenes(split, 8)
        assert first == again
        for one, other in zip(first, again):
            assert draw(one, split).image.tobytes() == draw(other, split).image.tobytes()
            assert split is LETTERS or ask(one, split, Random(1), 24) == ask(other, split, Random(1), 24)
    assert compose(TRAINING, FORMATS[0], 1) != compose(HELD_OUT, FORMATS[0], 1) != compose(HELD_OUT, FORMATS[0], 2)


def nothing_overlaps() -> None:
    for scene in scenes(TRAINING):
        boxes = [thing.box for thing in (*scene.shapes, *scene.writings, *scene.digits)]
        for index, box in enumerate(boxes):
            assert box.left >= 0 and box.top >= 0 and box.right <= scene.width and box.bottom <= scene.height
            assert not any(box.meets(other, 0) for other in boxes[:index])


def training_sees_nothing_held_out() -> None:
    names = [f"{colour} {shape}" for colour, shape in HELD_OUT_PAIRS]
    assert len({colour for colour, _ in HELD_OUT_PAIRS}) > 2 and len(names) == len(KINDS)
    words = set(WORDS[::5])
    for scene in scenes(TRAINING, 4 * SCENES):
        assert not any((shape.colour, shape.kind) in HELD_OUT_PAIRS for shape in scene.shapes)
        assert not any(writing.text in words for writing in scene.writings if writing.text in WORDS)
        for question in ask(scene, TRAINING, Random(0), 24):
            assert not any(name in question.text for name in names), question.text
    assert all(any((shape.colour, shape.kind) in HELD_OUT_PAIRS for shape in scene.shapes) for scene in scenes(PAIRS))
    assert not set(fonts.TRAINING_FONTS) & set(fonts.HELD_OUT_FONTS)
    assert not set(backgrounds.TRAINING_PHOTOGRAPHS) & set(backgrounds.HELD_OUT_PHOTOGRAPHS)
    assert not any(set(handwriting.samples_of(TRAINING, value)) & set(handwriting.samples_of(HELD_OUT, value))
                   for value in range(10))


def answers_are_recounted() -> None:
    kinds = Counter()
    for split in (TRAINING, HELD_OUT, PAIRS):
        for number, scene in enumerate(scenes(split)):
            for question in ask(scene, split, Random(number), 24):
                again = recount(scene, question.text)
                assert again == question.answer or (question.kind == "caption" and again is None), (question, again)
                assert len(question.characters) in (0, len(question.answer))
                kinds[question.kind] += 1
    assert len(kinds) == 8 and min(kinds.values()) > 100, kinds


def answers_are_balanced() -> None:
    answers = Counter()
    for number, scene in enumerate(scenes(TRAINING, 4 * SCENES)):
        answers.update((question.kind, question.answer) for question in ask(scene, TRAINING, Random(number), 16))
    of = lambda kind: np.array([count for (own, _), count in answers.items() if own == kind])
    for kind in ("existence", "comparison", "position"):
        yes, no = answers[kind, "yes"], answers[kind, "no"]
        assert 0.45 < yes / (yes + no) < 0.55, (kind, yes, no)
    for kind, most in (("colour", 0.2), ("shape", 0.2), ("count", 0.2)):
        assert of(kind).max() < most * of(kind).sum(), (kind, answers)


def tiles_are_hugging_faces() -> None:
    side = MODEL.vision.tile
    processor = LlavaNextImageProcessorPil(
        image_grid_pinpoints=MODEL.pinpoints, size={"shortest_edge": side}, crop_size={"height": side, "width": side},
        image_mean=MODEL.vision.mean, image_std=MODEL.vision.deviation)
    for kind in FORMATS:
        image = draw(compose(TRAINING, kind, 0), TRAINING).image
        theirs = np.asarray(processor(image, return_tensors="np")["pixel_values"])[0].transpose(0, 2, 3, 1)
        assert np.array_equal(np.rint((theirs + 1) * 127.5), tiling(kind).cut(image)), kind


def labels_name_what_is_there() -> None:
    """At the middle of large things. Of images that fit their grid, so that a pixel's patch is plain."""
    kind, patch, found = FORMATS[0], MODEL.vision.patch, Counter()
    for number in range(60):
        scene = compose(TRAINING, kind, number)
        given = labels.patch_labels(scene, draw(scene, TRAINING), tiling(kind), patch)  # [tile, patch, label]
        side = MODEL.vision.tile // patch

        def at(x: float, y: float) -> np.ndarray:
            column, row = int(x // patch), int(y // patch)
            return given[1 + row // side * (kind.width // MODEL.vision.tile) + column // side,
                         row % side * side + column % side]

        for shape in scene.shapes:
            if shape.kind != "ring" and shape.box.width > 40:
                label = at(*shape.box.centre)
                assert (label[labels.SHAPE], label[labels.COLOUR]) == (
                    1 + KINDS.index(shape.kind), 1 + list(COLOURS).index(shape.colour))
                found["shape"] += 1
        for writing in scene.writings:
            for character, box in zip(writing.text, writing.characters):
                if box.height > 24 and box.width > 14:
                    assert 1 + CHARACTERS.index(character) in at(*box.centre)[labels.CHARACTER]
                    found["character"] += 1
    assert found["shape"] > 20 and found["character"] > 20, found


def jobs_hold_their_answers() -> None:
    with tempfile.TemporaryDirectory() as folder:
        write_evaluation_set(Path(folder), HELD_OUT, 6, 24)
        jobs = [json.loads(line) for line in (Path(folder) / "jobs.jsonl").read_text().splitlines()]
        for job in jobs:
            assert Image.open(Path(folder) / job["image"]["uri"]).size[0] in {kind.width for kind in FORMATS}
            names = {question["question_id"] for question in job["questions"]}
            assert names == set(job["metadata"]["answers"]) == set(job["metadata"]["kinds"])
            assert len(json.dumps(job["metadata"])) < 16 * 1024
        assert len({job["job_id"] for job in jobs}) == 6


if __name__ == "__main__":
    main()
