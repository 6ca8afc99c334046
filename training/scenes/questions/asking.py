"""Several different questions about one scene."""

from random import Random

from ..splits import Split
from ..things import Scene
from .caption import ask_caption
from .comparison import ask_comparison
from .counting import ask_count
from .existence import ask_existence
from .looks import ask_colour, ask_shape
from .position import ask_position
from .question import Question
from .reading import ask_reading

# How each kind is asked, and how often. Reading and counting take the longest to learn.
ASKERS = {ask_colour: 1.0, ask_shape: 1.0, ask_count: 1.5, ask_position: 1.5, ask_existence: 1.2, ask_reading: 2.0,
          ask_comparison: 1.2, ask_caption: 0.3}


def ask(scene: Scene, split: Split, generator: Random, count: int) -> list[Question]:
    """At most `count` questions, no two with the same text; fewer where the scene is good for fewer."""
    askers, weights = list(ASKERS), list(ASKERS.values())
    found: dict[str, Question] = {}
    for asker in generator.choices(askers, weights, k=3 * count):
        question = asker(scene, split, generator)
        if question is not None:
            found.setdefault(question.text, question)
            if len(found) == count:
                break
    return list(found.values())
