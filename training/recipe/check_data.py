"""What the recipe is checked on: tiny random checkpoints, photographs, and rows that no data should have."""

import json
import shutil
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from .. import vocabulary
from ..checkpoint import write_checkpoint
from ..gguf_files import write_vision
from ..shapes import SHAPES
from ..weights import random_values
from .batches import Batches
from .checkpoint import configuration, pixel_statistics
from .conversations import Picture, read_conversations
from .pictures import Cutter
from .prompts import Prompts
from .settings import RunSettings, digest, keep
from .skipped import Skipped
from .tokenizer import Tokenizer
from .training_run import TrainingRun

ROOT = Path(__file__).parents[2]
PHOTOS = ["astronaut.png", "cat.jpg", "coffee.webp", "grace-hopper.jpg", "palace.jpg"]


@dataclass(frozen=True)
class Place:
    folder: Path

    @cache
    def checkpoint(self, name: str = "tiny-next", architecture: str = "llama") -> Path:
        path, shape = self.folder / f"{name}-{architecture}", SHAPES[name]
        shape = replace(shape, language=replace(shape.language, architecture=architecture))
        write_checkpoint(path, shape, vocabulary.small(architecture, shape.language.vocabulary), random_values(1))
        write_vision(path / "vision.gguf", shape, "F32", random_values(1), legacy=True, names_feature_layer=True)
        return path

    @property
    @cache
    def images(self) -> Path:
        path = self.folder / "images"
        path.mkdir()
        for name in PHOTOS:
            shutil.copy(ROOT / "script/demo-images" / name, path)
        content = (path / "palace.jpg").read_bytes()
        (path / "cut.jpg").write_bytes(content[:len(content) // 2])
        (path / "text.png").write_text("no picture")
        (self.folder / "outside.jpg").write_bytes(content)
        return path

    @property
    @cache
    def data(self) -> Path:
        path = self.folder / "data.json"
        path.write_text(json.dumps(good_rows() + bad_rows()))
        return path

    def pictures(self) -> list[Picture]:
        return read_conversations(self.data, self.images, Skipped())

    def settings(self, tune: str, **others) -> RunSettings:
        defaults = dict(steps=4, batch=2, accumulate=2, questions=2, selection_layer=2, lora_rank=4)
        return RunSettings(str(self.checkpoint()), digest(self.data), tune, "llava-1.6-vicuna", **defaults | others)

    def batches(self, settings: RunSettings, pictures: list[Picture] | None = None) -> Batches:
        config = configuration(settings.model)
        prompts = Prompts(settings.prompt, Tokenizer(settings.model), config.text_config.eos_token_id or 2)
        cutter = Cutter(config, *pixel_statistics(settings.model, config))
        return Batches(pictures or self.pictures(), self.images, cutter, prompts, settings.batch, settings.questions,
                       settings.longest, settings.seed)

    def run(self, name: str, settings: RunSettings, pictures: list[Picture] | None = None,
            logged_every: int = 10) -> TrainingRun:
        keep(self.folder / name, settings)
        return TrainingRun(self.folder / name, settings, self.batches(settings, pictures), "cpu", Skipped(),
                           logged_every=logged_every)


def good_rows() -> list[dict]:
    return [row(name, "<image>\nWhat is shown here?", f"It is {name.split('.')[0]}.", "Is it a cat?",
                "Yes." if "cat" in name else "No.") for name in PHOTOS]


def row(image: object, *texts: object) -> dict:
    turns = [{"from": "human" if index % 2 == 0 else "gpt", "value": text} for index, text in enumerate(texts)]
    return {"id": "1", "image": image, "conversations": turns}


def bad_rows() -> list[object]:
    plain = row("cat.jpg", "What?", "That.")
    return [row("cut.jpg", "What?", "That."), row("text.png", "What?", "That."), row("missing.jpg", "What?", "That."),
            row("../outside.jpg", "What?", "That."), row("/etc/passwd", "What?", "That."),
            row("a\0b", "What?", "That."), row("x" * 5000, "What?", "That."), row(["a.jpg", "b.jpg"], "What?", "That."),
            {"conversations": plain["conversations"]}, {"image": "cat.jpg"}, 5, None, row("cat.jpg", "What?"),
            row("cat.jpg", "<image>", "That."), row("cat.jpg", "What?", 7), row("cat.jpg", "What?", "\ud800"),
            plain | {"conversations": plain["conversations"][::-1]}, row("cat.jpg", "why " * 2000, "So.")]


WANTED = {"image missing": 3, "image outside the image folder": 2, "image is not one file's name": 1,
          "text without image": 1, "no conversation": 3, "turns in wrong order": 2, "empty turn": 1,
          "turn without text": 1, "half a character (a lone surrogate)": 1}
