"""Batches of pictures with questions. A batch depends on the seed and its number alone."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from random import Random

from torch.utils.data import DataLoader, Dataset

from ..samplers.focus_llava import TiledImage
from ..samplers.prompt_rows import TokenPrompt
from .conversations import Picture
from .pictures import Cutter
from .prompts import Prompts


@dataclass(frozen=True)
class Batch:
    """May be short of pictures that could not be used, and empty."""

    images: list[TiledImage]
    prompts: list[TokenPrompt]
    image_of: list[int]  # of each prompt
    skipped: list[tuple[str, str]]  # kind, and what


class Batches(Dataset):
    def __init__(self, pictures: list[Picture], folder: Path, cutter: Cutter, prompts: Prompts, size: int,
                 questions: int, longest: int, seed: str) -> None:
        self.pictures, self.folder, self.cutter, self.prompts = pictures, folder, cutter, prompts
        self.size, self.questions, self.longest, self.seed = size, questions, longest, seed

    def __getitem__(self, number: int) -> Batch:
        images, prompts, image_of, skipped = [], [], [], []
        for place in range(number * self.size, (number + 1) * self.size):
            picture = self._picture(place)
            asked = self._prompts(picture, Random(f"{self.seed}/questions/{place}"), skipped)
            image = self.cutter(self.folder / picture.path) if asked else None
            if asked and image is None:
                skipped.append(("image unreadable", picture.path))
            if image is not None:
                image_of += [len(images)] * len(asked)
                images.append(image)
                prompts += asked
        return Batch(images, prompts, image_of, skipped)

    def loader(self, numbers: range, workers: int) -> DataLoader:
        return DataLoader(self, batch_size=None, sampler=numbers, num_workers=workers)

    def _picture(self, place: int) -> Picture:
        """Every epoch has each picture once, in an order of its own."""
        epoch, place = divmod(place, len(self.pictures))
        return self.pictures[order(len(self.pictures), f"{self.seed}/order/{epoch}")[place]]

    def _prompts(self, picture: Picture, generator: Random, skipped: list[tuple[str, str]]) -> list[TokenPrompt]:
        """Of some of its questions, as many as may be asked at once."""
        chosen = generator.sample(picture.questions, min(self.questions, len(picture.questions)))
        found = [self.prompts.of(question) for question in chosen]
        short = [prompt for prompt in found if len(prompt.question) + len(prompt.answer) <= self.longest]
        skipped += [("question and answer too long", f"a question about {picture.path}")] * (len(found) - len(short))
        return short


@lru_cache(2)
def order(count: int, seed: str) -> list[int]:
    places = list(range(count))
    Random(seed).shuffle(places)
    return places
