"""Where is one thing, by itself or beside another?"""

from random import Random

from ..splits import Split
from ..things import Scene
from .question import Question, boxes, references

WHERE = ("Where is the {}?", "In which part of the image is the {}?")
CLEAR = 14  # pixels between two centres, or to the image's middle, from which an answer is clear


def ask_position(scene: Scene, split: Split, generator: Random) -> Question | None:
    named = references(scene)
    if not named:
        return None
    first, second = generator.choice(named), generator.choice(named)
    if first.thing is second.thing or generator.random() < 0.25:
        return ask_part(scene, first, generator)
    x, y = (one - other for one, other in zip(first.thing.box.centre, second.thing.box.centre))
    across = generator.random() < 0.5
    distance, words = (x, ("left of", "right of")) if across else (y, ("above", "below"))
    if abs(distance) < CLEAR:
        return None
    answer = words[distance > 0]
    regions, named = boxes((first.thing, second.thing)), (first, second)
    if generator.random() < 0.5:
        text = f"Is the {first.phrase} {words[0]} or {words[1]} the {second.phrase}?".replace("left of or", "left or")
        return Question("position", text, answer.removesuffix(" of"), regions, named=named)
    asked = generator.choice(words)
    return Question("position", f"Is the {first.phrase} {asked} the {second.phrase}?",
                    "yes" if asked == answer else "no", regions, named=named)


def ask_part(scene: Scene, named, generator: Random) -> Question | None:
    x, y = named.thing.box.centre
    across, down = x - scene.width / 2, y - scene.height / 2
    if min(abs(across), abs(down)) < CLEAR:
        return None
    part = f"{'bottom' if down > 0 else 'top'} {'right' if across > 0 else 'left'}"
    return Question("position", generator.choice(WHERE).format(named.phrase), part, (named.thing.box,),
                    named=(named,))
