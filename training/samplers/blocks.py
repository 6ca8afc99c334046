"""The partition of a token map into blocks, and the order of a compressed map's tokens."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class BlockGrid:
    """Blocks of `size` × `size` cells in raster order; those at the right and bottom edge may be smaller.

    As each scale divides the block size, the windows of all blocks together are the windows of the whole map: the
    candidates of a scale are the map pooled at it, `[ceil(height/scale), ceil(width/scale)]`.
    """

    height: int
    width: int
    size: int
    scales: tuple[int, ...]

    @property
    def rows(self) -> int:
        return -(-self.height // self.size)

    @property
    def columns(self) -> int:
        return -(-self.width // self.size)

    @cached_property
    def counts(self) -> np.ndarray:
        """Tokens `[row, column, scale]` of each block at each scale."""
        tokens = np.zeros((self.rows, self.columns, len(self.scales)), np.int64)
        _, blocks, scales, _, _ = self._candidates
        np.add.at(tokens.reshape(-1, len(self.scales)), (blocks, scales), 1)
        return tokens

    def tokens(self, choice: np.ndarray) -> int:
        """Tokens of the map where `choice` `[row, column]` holds each block's index into `scales`."""
        return int(np.take_along_axis(self.counts, choice[..., None], -1).sum())

    def order(self, choice: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The chosen candidates and their blocks, blocks in raster order and raster order within each block.

        A candidate is an index into all scales' pooled maps, flattened and joined in the order of `scales`.
        """
        candidates, blocks, scales, rows, columns = self._candidates
        chosen = np.flatnonzero(scales == choice.reshape(-1)[blocks])
        chosen = chosen[np.lexsort((columns[chosen], rows[chosen], blocks[chosen]))]
        return candidates[chosen], blocks[chosen]

    @cached_property
    def _candidates(self) -> tuple[np.ndarray, ...]:
        """Each candidate with its block, the index of its scale, and its row and column in its pooled map."""
        parts = []
        for index, scale in enumerate(self.scales):
            rows, columns = np.indices((-(-self.height // scale), -(-self.width // scale))).reshape(2, -1)
            blocks = rows * scale // self.size * self.columns + columns * scale // self.size
            parts.append((blocks, np.full_like(blocks, index), rows, columns))
        joined = [np.concatenate(part) for part in zip(*parts)]
        return np.arange(len(joined[0])), *joined
