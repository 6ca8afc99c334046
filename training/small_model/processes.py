"""What the processes of a run agree on. Alone, a process agrees with itself."""

import torch
from torch import distributed, nn


def own_number() -> int:
    return distributed.get_rank() if distributed.is_initialized() else 0


def number_of_processes() -> int:
    return distributed.get_world_size() if distributed.is_initialized() else 1


def average_gradients(parameters: list[nn.Parameter]) -> None:
    if not distributed.is_initialized():
        return
    flat = torch.cat([parameter.grad.flatten() for parameter in parameters])
    distributed.all_reduce(flat)
    flat /= distributed.get_world_size()
    for parameter, part in zip(parameters, flat.split([parameter.numel() for parameter in parameters])):
        parameter.grad = part.view_as(parameter)


def sum_of_all(values: torch.Tensor) -> None:
    """In place."""
    if distributed.is_initialized():
        distributed.all_reduce(values)


def any_says(claim: bool) -> bool:
    """Is it true for any of them? Clocks differ, and a process that stops alone leaves the others waiting."""
    claims = torch.tensor(float(claim))
    sum_of_all(claims)
    return bool(claims > 0)


def wait_for_all() -> None:
    if distributed.is_initialized():
        distributed.barrier()
