"""What training may see, and what is held out for evaluation: seeds, fonts, words, photographs, handwriting, pairs."""

from dataclasses import dataclass

from .things import COLOURS, SHAPES

# One colour of each shape never meets it in training.
HELD_OUT_PAIRS = frozenset((list(COLOURS)[(3 * index + 1) % len(COLOURS)], shape)
                           for index, shape in enumerate(SHAPES))
# Handwriting is held out by sample: every sixth.
HELD_OUT_HANDWRITING = 6


@dataclass(frozen=True)
class Split:
    name: str
    is_held_out: bool
    shows_held_out_pairs: bool = False
    is_full_of_text: bool = False

    def allows(self, colour: str, shape: str) -> bool:
        return self.shows_held_out_pairs or (colour, shape) not in HELD_OUT_PAIRS


TRAINING = Split("training", is_held_out=False)
LETTERS = Split("letters", is_held_out=False, is_full_of_text=True)  # for the tower, to see many characters
HELD_OUT = Split("held-out", is_held_out=True)  # new seeds, fonts, words, photographs and handwriting
PAIRS = Split("pairs", is_held_out=True, shows_held_out_pairs=True)  # and in every scene a pair never seen
SPLITS = {split.name: split for split in (TRAINING, LETTERS, HELD_OUT, PAIRS)}
