"""Is there such a thing? As often as not."""

from random import Random

from ..splits import Split
from ..things import COLOURS, SHAPES, Scene
from .question import Question, Reference, article, boxes

TEXTS = ("Is there {} in the image?", "Is there {}?", "Do you see {}?")


def ask_existence(scene: Scene, split: Split, generator: Random) -> Question | None:
    kind = generator.choices(("pair", "kind", "colour", "text"), (5, 2, 2, 1))[0]
    # The phrases that could be asked, with what they fit.
    if kind == "pair":
        choices = pairs(scene, split, generator)
    elif kind == "kind":
        choices = [(kind, [shape for shape in scene.shapes if shape.kind == kind]) for kind in SHAPES]
    elif kind == "colour":
        choices = [(f"{colour} shape", [shape for shape in scene.shapes if shape.colour == colour])
                   for colour in COLOURS]
    else:
        texts = (*scene.writings, *scene.digits)
        choices = [(name, [text for text in texts if text.name == name]) for name in ("word", "number", "digit")]
    is_there = generator.random() < 0.5
    choices = [(phrase, things) for phrase, things in choices if bool(things) == is_there]
    if not choices:
        return None
    phrase, things = generator.choice(choices)
    return Question("existence", generator.choice(TEXTS).format(article(phrase)), "yes" if things else "no",
                    boxes(things), named=(Reference(phrase, things[0]),) if len(things) == 1 else ())


def pairs(scene: Scene, split: Split, generator: Random) -> list[tuple[str, list]]:
    """Half of the time only pairs of a colour and a shape that are both there, perhaps apart."""
    colours, kinds = list(COLOURS), list(SHAPES)
    if generator.random() < 0.5:
        colours = [colour for colour in COLOURS if any(shape.colour == colour for shape in scene.shapes)]
        kinds = [kind for kind in SHAPES if any(shape.kind == kind for shape in scene.shapes)]
    return [(f"{colour} {kind}", [shape for shape in scene.shapes if (shape.colour, shape.kind) == (colour, kind)])
            for colour in colours for kind in kinds if split.allows(colour, kind)]
