"""What is written?"""

from random import Random

from ..splits import Split
from ..things import Digit, Scene
from .question import Question, Reference

TEXTS = {"word": ("What word is written?", "What does the word say?", "Read the word."),
         "number": ("What number is written?", "Which number do you see?", "Read the number."),
         "digit": ("Which digit is written by hand?", "What is the handwritten digit?", "Read the digit.")}


def ask_reading(scene: Scene, split: Split, generator: Random) -> Question | None:
    texts = (*scene.writings, *scene.digits)
    if not texts:
        return None
    text = generator.choice(texts)
    question = generator.choice(TEXTS[text.name])
    named = (Reference(text.name, text),)
    if isinstance(text, Digit):
        return Question("reading", question, str(text.value), (text.box,), (text.box,), named)
    return Question("reading", question, text.text, (text.box,), text.characters, named)
