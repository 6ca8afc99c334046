"""Writes held-out scenes as images and jobs, so that the worker can be asked exactly what a model was here.

    python -m training.scenes.evaluation_set --output DIRECTORY --count 300

`jobs.jsonl` has a job for each image; its metadata give, by question id, `kinds`, right `answers` and `regions`: the
boxes (left, top, right, bottom in pixels) of the things asked about.
PNG and, every third, JPEG of high quality: what is seen in a JPEG differs a little from what training saw.
"""

import argparse
import json
from pathlib import Path
from random import Random

from .composing import compose
from .drawing import draw
from .formats import FORMATS, Format
from .questions.asking import ask
from .questions.question import Question
from .splits import HELD_OUT, SPLITS, Split
from .things import Box

QUESTIONS = 10
JPEG_EVERY, JPEG_QUALITY = 3, 95
LONGEST_ANSWER = 32  # tokens


def write_evaluation_set(folder: Path, split: Split, count: int, questions: int = QUESTIONS, first: int = 0) -> None:
    (folder / "images").mkdir(parents=True, exist_ok=True)
    generator = Random(f"evaluation set/{split.name}")
    with open(folder / "jobs.jsonl", "w") as file:
        for number in range(first, first + count):
            kind = generator.choices(FORMATS, [kind.weight for kind in FORMATS])[0]
            file.write(json.dumps(write_scene(folder, split, kind, number, questions, generator)) + "\n")


def write_scene(folder: Path, split: Split, kind: Format, number: int, questions: int, generator: Random) -> dict:
    """Its job; the image is written."""
    scene = compose(split, kind, number)
    is_jpeg = number % JPEG_EVERY == JPEG_EVERY - 1
    path = f"images/{split.name}-{kind.name}-{number}.{'jpg' if is_jpeg else 'png'}"
    options = {"quality": JPEG_QUALITY, "subsampling": 0} if is_jpeg else {}
    draw(scene, split).image.save(folder / path, **options)
    return job(path, ask(scene, split, generator, questions))


def job(path: str, questions: list[Question]) -> dict:
    asked = {f"q{index}": question for index, question in enumerate(questions)}
    return {
        "job_id": Path(path).stem, "image": {"uri": path},
        "questions": [{"question_id": name, "text": question.text} for name, question in asked.items()],
        "parameters": {"max_tokens": LONGEST_ANSWER},
        "metadata": {"kinds": {name: question.kind for name, question in asked.items()},
                     "answers": {name: question.answer for name, question in asked.items()},
                     "regions": {name: [box_of(region) for region in question.regions]
                                 for name, question in asked.items()}},
    }


def box_of(box: Box) -> list[int]:
    return [round(edge) for edge in (box.left, box.top, box.right, box.bottom)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--split", choices=SPLITS, default=HELD_OUT.name)
    parser.add_argument("--count", type=int, default=300, help="images")
    parser.add_argument("--first", type=int, default=0,
                        help="number of the first scene: training sees those below its own --scenes")
    parser.add_argument("--questions", type=int, default=QUESTIONS, help="about each image, at most")
    options = parser.parse_args()
    write_evaluation_set(options.output, SPLITS[options.split], options.count, options.questions,
                         options.first)


if __name__ == "__main__":
    main()
