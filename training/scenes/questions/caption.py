"""One sentence about the scene: its two largest shapes, and what text there is."""

from random import Random

from ..splits import Split
from ..things import Scene
from .question import Question, article, boxes

TEXTS = ("Describe the image.", "Write a caption.", "What is in the image?")


def ask_caption(scene: Scene, split: Split, generator: Random) -> Question | None:
    largest = sorted(scene.shapes, key=lambda shape: -shape.box.width)[:2]
    if not largest:
        return None
    texts = (*scene.writings, *scene.digits)
    sentence = article(largest[0].name)
    if len(largest) == 2:
        sentence += f" {relation(*largest)} {article(largest[1].name)}"
    if texts:
        sentence += " with " + " and ".join(article(text.name) for text in texts)
    return Question("caption", generator.choice(TEXTS), sentence[0].upper() + sentence[1:] + ".",
                    boxes((*largest, *texts)))


def relation(first, second) -> str:
    x, y = (one - other for one, other in zip(first.box.centre, second.box.centre))
    if abs(x) > abs(y):
        return "left of" if x < 0 else "right of"
    return "above" if y < 0 else "below"
