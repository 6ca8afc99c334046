"""Fonts that come inside Python packages (LICENSES.md), and the places of characters set in them."""

import importlib.util
from functools import lru_cache
from pathlib import Path

from PIL import ImageFont

from .splits import Split
from .things import Box

TRAINING_FONTS = (
    "font_roboto/files/Roboto-Regular.ttf", "font_roboto/files/Roboto-Bold.ttf",
    "font_source_sans_pro/files/SourceSansPro-Regular.ttf", "font_source_sans_pro/files/SourceSansPro-Bold.ttf",
    "font_source_serif_pro/files/SourceSerifPro-Regular.ttf", "font_source_serif_pro/files/SourceSerifPro-Bold.ttf",
    "font_lato/files/Lato-Regular.ttf", "font_lato/files/Lato-Bold.ttf",
    "font_hanken_grotesk/files/HankenGrotesk-Medium.otf", "font_fredoka_one/files/FredokaOne-Regular.ttf",
    "matplotlib/mpl-data/fonts/ttf/DejaVuSans.ttf", "matplotlib/mpl-data/fonts/ttf/DejaVuSansMono-Bold.ttf",
    "matplotlib/mpl-data/fonts/ttf/STIXGeneral.ttf")
HELD_OUT_FONTS = (
    "font_manrope/files/Manrope-Bold.ttf", "font_caladea/files/Caladea-Bold.ttf", "font_roboto/files/Roboto-Medium.ttf",
    "matplotlib/mpl-data/fonts/ttf/DejaVuSerif.ttf", "matplotlib/mpl-data/fonts/ttf/DejaVuSans-Bold.ttf")


def fonts(split: Split) -> tuple[str, ...]:
    return HELD_OUT_FONTS if split.is_held_out else TRAINING_FONTS


@lru_cache(maxsize=None)
def font(split: Split, index: int, size: int) -> ImageFont.FreeTypeFont:
    package, file = fonts(split)[index].split("/", 1)
    # The basic layout, so that places do not depend on a library that may be missing.
    return ImageFont.truetype(package_folder(package) / file, size, layout_engine=ImageFont.Layout.BASIC)


def package_folder(package: str) -> Path:
    """Without importing it: some of these packages need more than they name."""
    return Path(importlib.util.find_spec(package).submodule_search_locations[0])


def text_size(split: Split, index: int, size: int, text: str) -> tuple[int, int]:
    left, top, right, bottom = font(split, index, size).getbbox(text)
    return right - left, bottom - top


def character_boxes(split: Split, index: int, size: int, text: str, left: float, top: float) -> tuple[Box, ...]:
    """Where each character's advance lies when the text's ink begins at (left, top)."""
    face = font(split, index, size)
    origin, _, _, height = face.getbbox(text)
    ink_top = face.getbbox(text)[1]
    ends = [face.getlength(text[:count]) - origin for count in range(len(text) + 1)]
    return tuple(Box(left + start, top, left + end, top + height - ink_top) for start, end in zip(ends, ends[1:]))
