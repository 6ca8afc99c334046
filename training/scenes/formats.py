"""Sizes of the images, and how often each is drawn."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Format:
    """One size of image. Images of a format have equally many tiles and tokens, so they make a batch."""

    width: int
    height: int
    weight: float  # share of the training images

    @property
    def name(self) -> str:
        return f"{self.width}x{self.height}"


# The last two fit no grid: one is padded, the other made smaller and padded.
FORMATS = (Format(224, 224, 0.32), Format(336, 224, 0.14), Format(224, 336, 0.14), Format(336, 336, 0.14),
           Format(448, 224, 0.05), Format(224, 448, 0.05), Format(300, 224, 0.08), Format(400, 300, 0.08))
