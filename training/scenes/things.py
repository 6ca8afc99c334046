"""What a scene is made of. Positions are pixels of the image, x to the right and y down."""

from dataclasses import dataclass

SHAPES = ("circle", "square", "triangle", "star", "cross", "diamond", "ring", "heart")
COLOURS = {
    "red": (214, 39, 40), "orange": (250, 140, 20), "yellow": (246, 218, 50), "green": (44, 150, 60),
    "blue": (42, 92, 212), "purple": (136, 56, 172), "pink": (246, 150, 196), "white": (246, 246, 246),
    "black": (24, 24, 26),
}


@dataclass(frozen=True)
class Box:
    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top

    @property
    def centre(self) -> tuple[float, float]:
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    def meets(self, other: "Box", margin: float) -> bool:
        return (self.left < other.right + margin and other.left < self.right + margin
                and self.top < other.bottom + margin and other.top < self.bottom + margin)


@dataclass(frozen=True)
class Shape:
    kind: str
    colour: str
    box: Box
    turn: float  # degrees
    tint: tuple[int, int, int]  # the colour as it is drawn

    @property
    def name(self) -> str:
        return f"{self.colour} {self.kind}"


@dataclass(frozen=True)
class Writing:
    """A word or a number on one line."""

    text: str
    font: int  # index into the split's fonts
    size: int  # of the font, in pixels
    box: Box
    characters: tuple[Box, ...]  # one for each character
    ink: tuple[int, int, int]
    plate: tuple[int, int, int] | None  # what it is written on; None: the background

    @property
    def name(self) -> str:
        return "number" if self.text.isdigit() else "word"


@dataclass(frozen=True)
class Digit:
    """A digit written by hand, on a card."""

    value: int
    sample: int  # index into scikit-learn's digits
    box: Box
    ink: tuple[int, int, int]
    card: tuple[int, int, int]

    name = "digit"


@dataclass(frozen=True)
class Background:
    kind: str  # "plain", "texture" or "photograph"
    seed: int
    tone: tuple[int, int, int]


@dataclass(frozen=True)
class Scene:
    width: int
    height: int
    background: Background
    shapes: tuple[Shape, ...]
    writings: tuple[Writing, ...]
    digits: tuple[Digit, ...]
