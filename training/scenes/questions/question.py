"""A question, and how it may name things."""

from dataclasses import dataclass

from ..things import Box, Digit, Scene, Shape, Writing

Thing = Shape | Writing | Digit

KINDS = ("colour", "shape", "count", "position", "existence", "reading", "comparison", "caption")


@dataclass(frozen=True)
class Reference:
    """A phrase that fits one thing of the scene alone."""

    phrase: str  # "red circle"
    thing: Thing


@dataclass(frozen=True)
class Question:
    kind: str
    text: str
    answer: str
    regions: tuple[Box, ...]  # of the things asked about
    characters: tuple[Box, ...] = ()  # of a text that the answer spells
    named: tuple[Reference, ...] = ()  # things that the text names, in its order


def references(scene: Scene) -> list[Reference]:
    found = [Reference(shape.name, shape) for shape in unique(scene, lambda shape: shape.name)]
    found += [Reference(shape.kind, shape) for shape in unique(scene, lambda shape: shape.kind)]
    return found + [Reference(thing.name, thing) for thing in (*scene.writings, *scene.digits)]


def unique(scene: Scene, key) -> list[Shape]:
    """The shapes whose key no other has."""
    keys = [key(shape) for shape in scene.shapes]
    return [shape for shape in scene.shapes if keys.count(key(shape)) == 1]


def boxes(things) -> tuple[Box, ...]:
    return tuple(thing.box for thing in things)


def article(phrase: str) -> str:
    return f"an {phrase}" if phrase[0] in "aeiou" else f"a {phrase}"


def plural(kind: str) -> str:
    return kind + ("es" if kind == "cross" else "s")
