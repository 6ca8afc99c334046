"""Answers questions about a scene again, from their words alone: to check the answers that are asked for."""

import re

from .things import COLOURS, SHAPES, Scene


def recount(scene: Scene, text: str) -> str | None:
    """None for a caption, which has no one answer."""
    for pattern, answer in PATTERNS:
        found = re.fullmatch(pattern, text)
        if found:
            return answer(scene, *found.groups())
    return None


def things(scene: Scene, phrase: str) -> list:
    """All that a phrase fits: "red circle", "circles", "red shapes", "shapes", "word"."""
    if phrase in ("word", "number", "digit"):
        return [thing for thing in (*scene.writings, *scene.digits) if thing.name == phrase]
    words = [re.sub(r"(?<=cross)es$|(?<=[^s])s$", "", word) for word in phrase.split()]
    return [shape for shape in scene.shapes
            if all(word in (shape.colour, shape.kind, "shape") for word in words)]


def the(scene: Scene, phrase: str):
    only, = things(scene, phrase)
    return only


def offset(scene: Scene, first: str, second: str) -> tuple[float, float]:
    one, other = the(scene, first).box, the(scene, second).box
    return one.left + one.right - other.left - other.right, one.top + one.bottom - other.top - other.bottom


def holds(scene: Scene, first: str, relation: str, second: str) -> bool:
    x, y = offset(scene, first, second)
    return {"left of": x < 0, "right of": x > 0, "above": y < 0, "below": y > 0}[relation]


def part(scene: Scene, phrase: str) -> str:
    x, y = the(scene, phrase).box.centre
    return f"{'top' if y < scene.height / 2 else 'bottom'} {'left' if x < scene.width / 2 else 'right'}"


def sized(scene: Scene, size: str, first: str, second: str) -> str:
    first_is_larger = the(scene, first).box.width > the(scene, second).box.width
    return first if first_is_larger == (size == "larger") else second


def written(scene: Scene, kind: str) -> str:
    thing = the(scene, kind)
    return str(thing.value) if kind == "digit" else thing.text


def yes(claim: bool) -> str:
    return "yes" if claim else "no"


KIND = f"({'|'.join(SHAPES)})"
COLOUR = f"({'|'.join(COLOURS)})"
NAME = "([a-z ]+)"
PATTERNS = [
    (f"(?:What|Which) colour (?:is|does) the {KIND}(?: have)?\\?", lambda scene, kind: the(scene, kind).colour),
    (f"What is the colour of the {KIND}\\?", lambda scene, kind: the(scene, kind).colour),
    (f"(?:What|Which) shape is {COLOUR}\\?", lambda scene, colour: the(scene, colour).kind),
    (f"What is the {COLOUR} shape\\?", lambda scene, colour: the(scene, colour).kind),
    (f"(?:How many|Count the) {NAME}?(?: are there| do you see)?[.?]",
     lambda scene, phrase: str(len(things(scene, re.sub(" are there$| do you see$", "", phrase))))),
    (f"Where is the {NAME}\\?", part),
    (f"In which part of the image is the {NAME}\\?", part),
    (f"Is the {NAME} left or right of the {NAME}\\?",
     lambda scene, one, other: "left" if holds(scene, one, "left of", other) else "right"),
    (f"Is the {NAME} above or below the {NAME}\\?",
     lambda scene, one, other: "above" if holds(scene, one, "above", other) else "below"),
    (f"Is the {NAME} (left of|right of|above|below) the {NAME}\\?",
     lambda scene, one, relation, other: yes(holds(scene, one, relation, other))),
    (f"(?:Is there|Do you see) (?:a|an) {NAME}\\?",
     lambda scene, phrase: yes(bool(things(scene, phrase.removesuffix(" in the image"))))),
    ("(?:What|Which) (word|number) (?:is written|do you see)\\?", written),
    ("Read the (word|number|digit)\\.", written),
    ("What does the (word) say\\?", written),
    ("(?:Which digit is written by hand|What is the handwritten digit)\\?", lambda scene: written(scene, "digit")),
    (f"Which is (larger|smaller), the {NAME} or the {NAME}\\?", sized),
    (f"Are there more {NAME} than {NAME}\\?",
     lambda scene, one, other: yes(len(things(scene, one)) > len(things(scene, other)))),
    (f"Do the {NAME} and the {NAME} have the same colour\\?",
     lambda scene, one, other: yes(the(scene, one).colour == the(scene, other).colour)),
]
