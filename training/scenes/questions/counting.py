"""How many? Answers from none to eight are about equally frequent."""

from random import Random

from ..splits import Split
from ..things import COLOURS, SHAPES, Scene
from .question import Question, boxes, plural

TEXTS = ("How many {} are there?", "How many {} do you see?", "Count the {}.")
# Of the answers that a scene can give, how likely each is taken: measured so that all become equally frequent.
WEIGHTS = (1, 1.2, 2.5, 6, 13, 21, 40, 57, 84)


def ask_count(scene: Scene, split: Split, generator: Random) -> Question:
    by_count: dict[int, list[tuple[str, list]]] = {}
    for phrase, shapes in countable(scene):
        by_count.setdefault(len(shapes), []).append((phrase, shapes))
    counts = sorted(by_count)
    count = generator.choices(counts, [WEIGHTS[count] for count in counts])[0]
    phrase, shapes = generator.choice(by_count[count])
    return Question("count", generator.choice(TEXTS).format(phrase), str(count), boxes(shapes))


def countable(scene: Scene) -> list[tuple[str, list]]:
    """Phrases and the shapes that they fit."""
    found = [("shapes", list(scene.shapes))]
    found += [(plural(kind), [shape for shape in scene.shapes if shape.kind == kind]) for kind in SHAPES]
    return found + [(f"{colour} shapes", [shape for shape in scene.shapes if shape.colour == colour])
                    for colour in COLOURS]
