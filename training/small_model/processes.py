"""What the processes of a run agree on. Alone, a process agrees with itself."""

import torch
from torch import distributed, nn


def average_gradients(parameters: list[nn.Parameter]) -> None:
    if not distributed.is_initialized():
        return
    flat = torch.cat([parameter.grad.flatten() for parameter in parameters])
    distributed.all_reduce(flat)
    flat /= distributed.get_world_size()
    for parameter, part in zip(parameters, flat.split([parameter.numel() for parameter in parameters])):
        parameter.grad.copy_(part.view_as(parameter))


def any_says(claim: bool) -> bool:
    """Is it true for any of them? Clocks differ, and a process that stops alone leaves the others waiting."""
    if not distributed.is_initialized():
        return claim
    claims = torch.tensor(float(claim))
    distributed.all_reduce(claims)
    return bool(claims > 0)


def wait_for_all() -> None:
    if distributed.is_initialized():
        distributed.barrier()
