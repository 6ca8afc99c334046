"""Two things, or two groups of things, compared."""

from random import Random

from ..splits import Split
from ..things import SHAPES, Scene
from .counting import countable
from .question import Question, boxes, references

CLEARLY_LARGER = 1.3  # times as wide


def ask_comparison(scene: Scene, split: Split, generator: Random) -> Question | None:
    return generator.choice((ask_size, ask_number, ask_same))(scene, generator)


def two_shapes(scene: Scene, generator: Random):
    named = [reference for reference in references(scene) if reference.thing in scene.shapes]
    if len(named) < 2:
        return None
    first, second = generator.sample(named, 2)
    return None if first.thing is second.thing else (first, second)


def ask_size(scene: Scene, generator: Random) -> Question | None:
    two = two_shapes(scene, generator)
    if two is None:
        return None
    small, large = sorted(two, key=lambda reference: reference.thing.box.width)
    if large.thing.box.width < CLEARLY_LARGER * small.thing.box.width:
        return None
    asks_larger = generator.random() < 0.5
    first, second = two
    text = f"Which is {'larger' if asks_larger else 'smaller'}, the {first.phrase} or the {second.phrase}?"
    return Question("comparison", text, (large if asks_larger else small).phrase, boxes((first.thing, second.thing)),
                    named=two)


def ask_number(scene: Scene, generator: Random) -> Question | None:
    """Groups of one sort: two shapes, or two colours."""
    groups = countable(scene)[1:]
    groups = groups[:len(SHAPES)] if generator.random() < 0.5 else groups[len(SHAPES):]
    first, second = generator.sample(groups, 2)
    if len(first[1]) == len(second[1]):
        return None
    is_more = generator.random() < 0.5
    if is_more != (len(first[1]) > len(second[1])):
        first, second = second, first
    return Question("comparison", f"Are there more {first[0]} than {second[0]}?", "yes" if is_more else "no",
                    boxes((*first[1], *second[1])))


def ask_same(scene: Scene, generator: Random) -> Question | None:
    """Only of a scene that could be asked so with either answer: few have two single shapes of one colour."""
    named = [reference for reference in references(scene)
             if reference.thing in scene.shapes and reference.phrase in SHAPES]
    pairs = [(first, second) for first in named for second in named if first is not second]
    answers = {"yes": [pair for pair in pairs if pair[0].thing.colour == pair[1].thing.colour],
               "no": [pair for pair in pairs if pair[0].thing.colour != pair[1].thing.colour]}
    if not all(answers.values()):
        return None
    answer = generator.choice(sorted(answers))
    first, second = generator.choice(answers[answer])
    return Question("comparison", f"Do the {first.phrase} and the {second.phrase} have the same colour?", answer,
                    boxes((first.thing, second.thing)), named=(first, second))
