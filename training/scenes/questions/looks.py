"""What colour, and what shape?"""

from random import Random

from ..splits import Split
from ..things import Scene
from .question import Question, Reference, unique

COLOUR = ("What colour is the {}?", "Which colour does the {} have?", "What is the colour of the {}?")
SHAPE = ("What shape is {}?", "Which shape is {}?", "What is the {} shape?")


def ask_colour(scene: Scene, split: Split, generator: Random) -> Question | None:
    shapes = unique(scene, lambda shape: shape.kind)
    if not shapes:
        return None
    shape = generator.choice(shapes)
    return Question("colour", generator.choice(COLOUR).format(shape.kind), shape.colour, (shape.box,),
                    named=(Reference(shape.kind, shape),))


def ask_shape(scene: Scene, split: Split, generator: Random) -> Question | None:
    shapes = unique(scene, lambda shape: shape.colour)
    if not shapes:
        return None
    shape = generator.choice(shapes)
    return Question("shape", generator.choice(SHAPE).format(shape.colour), shape.kind, (shape.box,),
                    named=(Reference(shape.colour, shape),))
