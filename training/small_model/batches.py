"""Batches of scenes of one format, each with many questions. A batch depends on its number alone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from random import Random

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from ..scenes.composing import compose
from ..scenes.formats import FORMATS, Format
from ..scenes.questions.asking import ask
from ..scenes.questions.question import KINDS, Question
from ..scenes.store import SceneStore
from ..scenes.things import Box
from .tokens import AskedQuestion, Prompts

IGNORED = -100
NO_BOX = (0.0,) * 4


@dataclass
class Batch:
    """Question rows are those of all questions of an image, one after another, and padding."""

    format: Format
    pixels: torch.Tensor  # [n, tile, side, side, 3] uint8
    patches: torch.Tensor  # [n, tile, patch, labels.WIDTH] uint8
    ids: torch.Tensor  # [n, row]
    labels: torch.Tensor  # [n, row]: the token that should follow; IGNORED where none is asked for
    offsets: torch.Tensor  # [n, row]: place in the question
    question_of: torch.Tensor  # [n, row]; -1: padding
    is_asked: torch.Tensor  # [n, row]
    is_last: torch.Tensor  # [n, row]: the row that the answer follows
    regions: torch.Tensor  # [n, question, box, 4]
    named: torch.Tensor  # [n, row, 4]: the thing whose name ends here; no area where none does
    characters: torch.Tensor  # [n, row, 4]: what the row's next token spells; no area where it spells nothing
    kinds: torch.Tensor  # [n, question]: index into KINDS; -1: padding

    def to(self, device: torch.device) -> "Batch":
        moved = {field.name: getattr(self, field.name) for field in fields(self)}
        return Batch(**{name: value.to(device, non_blocking=True) if isinstance(value, torch.Tensor) else value
                        for name, value in moved.items()})


class Batches(Dataset):
    """`[number]` gives that batch; every process of a run has its own `part` of each."""

    def __init__(self, stores: Sequence[SceneStore], source: bytes, size: int, questions: int, seed: str, part: int = 0,
                 formats: tuple[Format, ...] = FORMATS, fewer: Callable[[Random], int | None] = lambda _: None) -> None:
        """`fewer` may ask for fewer questions, by what it draws from the generator of the batch's choices."""
        self.stores, self.source, self.size, self.questions = stores, source, size, questions
        self.seed, self.part, self.formats, self.fewer = seed, part, formats, fewer
        self.prompts: Prompts | None = None  # made by the process that uses it

    def choices(self, number: int) -> Random:
        """What is drawn for a batch as a whole, the same in all processes."""
        return Random(f"{self.seed}/{number}/choices")

    def __getitem__(self, number: int) -> Batch:
        generator = Random(f"{self.seed}/{number}")
        kind = generator.choices(self.formats, [kind.weight for kind in self.formats])[0]
        store = generator.choice(self.stores)
        generator = Random(f"{self.seed}/{number}/{self.part}")
        scenes = [generator.randrange(store.counts[kind]) for _ in range(self.size)]
        return self.of(store, kind, scenes, generator, self.fewer(self.choices(number)) or self.questions)

    def of(self, store: SceneStore, kind: Format, scenes: list[int], generator: Random, count: int) -> Batch:
        self.prompts = self.prompts or Prompts(self.source)
        stored, split = store.open(kind), store.split
        described = [compose(split, kind, scene) for scene in scenes]
        questions = [[] if split.is_full_of_text else ask(scene, split, generator, count) for scene in described]
        return batch_of(kind, stored.pixels[scenes], stored.labels[scenes], questions, self.prompts)

    def loader(self, numbers: range, workers: int) -> DataLoader:
        return DataLoader(self, batch_size=None, sampler=numbers, num_workers=workers)


def batch_of(kind: Format, pixels: np.ndarray, patches: np.ndarray, questions: list[list[Question]],
             prompts: Prompts) -> Batch:
    """Of tiles `[n, tile, side, side, 3]`, labels of their patches, and each image's questions."""
    rows = [QuestionRows(of_image, prompts) for of_image in questions]
    return Batch(kind, torch.from_numpy(pixels), torch.from_numpy(patches),
                 *(padded([getattr(one, name) for one in rows], filler) for name, filler in (
                     ("ids", 0), ("labels", IGNORED), ("offsets", 0), ("question_of", -1), ("is_asked", False),
                     ("is_last", False))),
                 regions(questions), padded([one.named for one in rows], 0.0),
                 padded([one.characters for one in rows], 0.0),
                 padded([[KINDS.index(question.kind) for question in of_image] for of_image in questions], -1))


class QuestionRows:
    """The rows of one image's questions."""

    def __init__(self, questions: list[Question], prompts: Prompts) -> None:
        self.ids, self.labels, self.offsets, self.question_of = [], [], [], []
        self.is_asked, self.is_last, self.named, self.characters = [], [], [], []
        for index, question in enumerate(questions):
            asked = prompts.of(question)
            # The end token is only ever answered, never read.
            count = len(asked.ids) - 1
            self.ids += asked.ids[:-1]
            self.labels += [IGNORED] * (asked.answer - 1) + list(asked.ids[asked.answer:])
            self.offsets += range(count)
            self.question_of += [index] * count
            self.is_asked += [row in asked.asked for row in range(count)]
            self.is_last += [row == asked.answer - 1 for row in range(count)]
            named = {row: edges(reference.thing.box) for row, reference in zip(asked.named, question.named)}
            self.named += [named.get(row, NO_BOX) for row in range(count)]
            self.characters += [NO_BOX] * (asked.answer - 1) + spelled_boxes(question, asked)


def spelled_boxes(question: Question, asked: AskedQuestion) -> list[tuple[float, ...]]:
    """For each of the answer's tokens, the box of the characters that it spells."""
    boxes, place = [], 0
    for count in asked.spelled:
        spelled = question.characters[place:place + count]
        place += count
        boxes.append((spelled[0].left, spelled[0].top, spelled[-1].right, spelled[-1].bottom) if spelled else NO_BOX)
    return boxes


def regions(questions: list[list[Question]]) -> torch.Tensor:
    """`[n, question, box, 4]`."""
    most = max([1, *(len(question.regions) for of_scene in questions for question in of_scene)])
    found = np.zeros((len(questions), max(map(len, questions)), most, 4), np.float32)
    for scene, of_scene in enumerate(questions):
        for index, question in enumerate(of_scene):
            for number, box in enumerate(question.regions):
                found[scene, index, number] = edges(box)
    return torch.from_numpy(found)


def edges(box: Box) -> tuple[float, ...]:
    return box.left, box.top, box.right, box.bottom


def padded(rows: list[list], filler) -> torch.Tensor:
    return torch.nn.utils.rnn.pad_sequence([torch.tensor(row) for row in rows], batch_first=True, padding_value=filler)
