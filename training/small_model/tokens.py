"""The model's own tokenizer, and questions and answers as its tokens."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from random import Random

from ..goldens.prompts import encoder, rows_within, stretches
from ..scenes.composing import compose
from ..scenes.formats import FORMATS
from ..scenes.questions.asking import ask
from ..scenes.questions.question import Question
from ..scenes.splits import TRAINING
from ..shapes import SHAPES
from ..text import sentences
from ..vocabulary import Vocabulary, llama_from_model, padded, train_llama

PROMPT = "llava-1.6-mistral"
# The same as a chat template that libllama recognises, so that the prompt need not be named.
CHAT_TEMPLATE = "{% for message in messages %}{{ '[INST] ' + message['content'] + ' [/INST]' }}{% endfor %}"
SCENES = 1500  # whose questions the tokenizer is trained on
PIECES = 688  # with more, pairs of letters that the text below shuffles together would become tokens
ALPHABETS = 20  # enough for letters to be known, too few for pairs of them to be frequent


def train_vocabulary() -> Vocabulary:
    """Written words are left out, so that they are spelled by letters: the scenes' words must not become tokens."""
    generator, text = Random(0), [PROMPT_TEXT] * SCENES
    for number in range(SCENES):
        scene = compose(TRAINING, FORMATS[0], number)
        for question in ask(scene, TRAINING, generator, 16):
            text.append(question.text if question.kind == "reading" else f"{question.text} {question.answer}")
    letters = list("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    for _ in range(ALPHABETS):
        generator.shuffle(letters)
        text.append("".join(letters))
    return train_llama(PIECES, text + sentences())


# The template alone, for the tokenizer to learn.
PROMPT_TEXT = "".join(stretches(PROMPT, None)).replace("<image>", "").replace("{question}", "")


@dataclass(frozen=True)
class AskedQuestion:
    """What follows the image: the rest of the prompt, the answer, and the token that ends it."""

    ids: tuple[int, ...]
    asked: range  # of these ids, the user's own words
    named: tuple[int, ...]  # of these ids, the last of each phrase that names a thing
    answer: int  # where the answer begins
    spelled: tuple[int, ...]  # for each of the answer's tokens, how many characters it spells; the end token: 0


class Prompts:
    def __init__(self, source: bytes) -> None:
        """`source` is the tokenizer's own file."""
        small = replace(llama_from_model(source), chat_template=CHAT_TEMPLATE)
        self.vocabulary = padded(small, SHAPES["focus-small"].language.vocabulary)
        self._encode = encoder(self.vocabulary)
        before, _, self._after = stretches(PROMPT, None)
        self.before = [self.vocabulary.special["bos"], *self._encode(before)]
        self.end = self.vocabulary.special["eos"]
        self.asked = lru_cache(maxsize=200_000)(self._asked)

    def of(self, question: Question) -> AskedQuestion:
        return self.asked(question.text, question.answer, tuple(reference.phrase for reference in question.named))

    def _asked(self, text: str, answer: str, phrases: tuple[str, ...] = ()) -> AskedQuestion:
        stretch = self._after.replace("{question}", text)
        ids, answered = self._encode(stretch), [*self._encode(answer), self.end]
        start = len(self._after[:self._after.index("{question}")].encode())
        rows_of = lambda part: rows_within(ids, self.vocabulary, *(start + len(text[:end].encode()) for end in part))
        rows = rows_of((0, len(text)))
        named = tuple(rows_of(part)[-1] for part in places_of(phrases, text))
        spelled = tuple(len(self.vocabulary.tokens[token].strip("▁")) for token in answered[:-1])
        return AskedQuestion((*ids, *answered), range(rows[0], rows[-1] + 1), named, len(ids), (*spelled, 0))


def places_of(phrases: tuple[str, ...], text: str) -> Iterator[tuple[int, int]]:
    """Where each phrase begins and ends; they follow one another."""
    end = 0
    for phrase in phrases:
        start = text.index(phrase, end)
        end = start + len(phrase)
        yield start, end
