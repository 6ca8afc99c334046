"""Reads LLaVA's training format: a JSON list, or JSON lines, of an image and a conversation about it.

    {"id": "1", "image": "coco/1.jpg", "conversations": [{"from": "human", "value": "<image>\\nWhat is this?"},
                                                        {"from": "gpt", "value": "A cat."}, ...]}

Each pair of turns becomes a question of its own, since the worker asks each alone; rows of one image are joined.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .skipped import Skipped

IMAGE = "<image>"


@dataclass(frozen=True)
class Question:
    text: str  # the user's own words
    answer: str


@dataclass(frozen=True)
class Picture:
    path: str  # below the image folder
    questions: tuple[Question, ...]


class BadRow(ValueError):
    """The message is the kind that it is counted under."""


def read_conversations(data: Path, images: Path, skipped: Skipped) -> list[Picture]:
    """Pictures in the order of their first rows. What is wrong with a row is counted in `skipped`."""
    folder = images.resolve()
    found: dict[str, list[Question]] = {}
    for name, row in rows(data, skipped):
        try:
            questions = questions_of(row)
            found.setdefault(image_of(row, folder), []).extend(questions)
        except BadRow as error:
            skipped.add(str(error), name)
    return [Picture(path, tuple(questions)) for path, questions in found.items()]


def rows(data: Path, skipped: Skipped) -> Iterator[tuple[str, object]]:
    """Each row with a name to call it by."""
    try:
        text = data.read_text(encoding="utf-8")
        whole = json.loads(text) if text.lstrip().startswith("[") else None
    except (OSError, ValueError) as error:
        raise SystemExit(f"error: {data} cannot be read: {error}") from None
    if whole is not None:
        for number, row in enumerate(whole, start=1):
            yield f"row {number} of {data.name}", row
        return
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                row = json.loads(line)
            except ValueError:
                skipped.add("no JSON", f"line {number} of {data.name}")
                continue
            yield f"line {number} of {data.name}", row


def questions_of(row: object) -> list[Question]:
    turns = row.get("conversations") if isinstance(row, dict) else None
    if not isinstance(turns, list) or not turns:
        raise BadRow("no conversation")
    if not all(isinstance(turn, dict) and isinstance(turn.get("value"), str) for turn in turns):
        raise BadRow("turn without text")
    if [turn.get("from") for turn in turns] != ["human", "gpt"] * (len(turns) // 2):
        raise BadRow("turns in wrong order")
    texts = [turn["value"].replace(IMAGE, "").strip() for turn in turns]
    if not all(texts):
        raise BadRow("empty turn")
    if any("\ud800" <= character <= "\udfff" for text in texts for character in text):
        raise BadRow("half a character (a lone surrogate)")  # no tokenizer takes it
    return [Question(asked, answered) for asked, answered in zip(texts[::2], texts[1::2])]


def image_of(row: dict, folder: Path) -> str:
    """The image's path below `folder`, which no name and no link may lead out of."""
    name = row.get("image")
    if name is None:
        raise BadRow("text without image")
    if not isinstance(name, str) or not name:
        raise BadRow("image is not one file's name")
    try:
        path = (folder / name).resolve()
        is_file = path.is_file()
    except (OSError, ValueError):  # a name that no file can have
        raise BadRow("image missing") from None
    if not path.is_relative_to(folder):
        raise BadRow("image outside the image folder")
    if not is_file:
        raise BadRow("image missing")
    return str(path.relative_to(folder))
