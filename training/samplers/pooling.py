"""Pooling of token grids in windows that do not overlap."""

import torch
import torch.nn.functional as F


def pool(grid: torch.Tensor, window: int, kind: str) -> torch.Tensor:
    """Pools `[..., H, W, C]` to `[..., ceil(H/window), ceil(W/window), C]`, by "max" or "mean".

    A window at the right or bottom edge is pooled over the cells it really covers.
    """
    if window == 1:
        return grid
    leading, channels_last = grid.shape[:-3], grid.reshape(-1, *grid.shape[-3:])
    planes = channels_last.permute(0, 3, 1, 2)  # [n, C, H, W]
    if kind == "max":
        pooled = F.max_pool2d(planes, window, ceil_mode=True)
    else:
        pooled = F.avg_pool2d(planes, window, ceil_mode=True, count_include_pad=False)
    pooled = pooled.permute(0, 2, 3, 1)
    return pooled.reshape(*leading, *pooled.shape[1:])


def spread(pooled: torch.Tensor, window: int, height: int, width: int) -> torch.Tensor:
    """Gives every cell of a `height` × `width` grid its window's value: the inverse of `pool` in shape."""
    cells = pooled.repeat_interleave(window, dim=-3).repeat_interleave(window, dim=-2)
    return cells[..., :height, :width, :]
