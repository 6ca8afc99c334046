"""Muon and AdamW on float32 weights, for a model that computes with rounded copies of them."""

import torch
from torch import nn

from .muon import Muon
from .processes import average_gradients

BETAS, DECAY, LARGEST_GRADIENT = (0.9, 0.98), 0.02, 1.0
MUON_RATE = 6.0  # times AdamW's
BY_MUON = ("encoder.layers", "language_model.model.layers", "multi_modal_projector")  # parts whose matrices it steps


class MasterWeights:
    """The model's own weights may be BF16: its products are several times faster, its sums of small steps lost."""

    def __init__(self, model: nn.Module) -> None:
        self.rounded = dict(model.named_parameters())
        self.exact = {name: nn.Parameter(value.detach().float().clone()) for name, value in self.rounded.items()}
        inner = {name: value for name, value in self.exact.items()
                 if value.dim() == 2 and any(part in name for part in BY_MUON)}
        outer = {name: value for name, value in self.exact.items() if name not in inner}
        decays = [value for name, value in outer.items() if value.dim() > 1 and "embed" not in name]
        others = [value for name, value in outer.items() if value.dim() <= 1 or "embed" in name]
        groups = [{"params": decays, "weight_decay": DECAY}, {"params": others, "weight_decay": 0.0}]
        precision = next(value.dtype for name, value in self.rounded.items() if name in inner)
        self.muon, self.adam = Muon(inner, precision), torch.optim.AdamW(groups, betas=BETAS, fused=True)

    def step(self, rate: float) -> float:
        """Takes the model's gradients, which are then gone. Returns their norm."""
        for name, value in self.rounded.items():
            self.exact[name].grad = None if value.grad is None else value.grad.float()
            value.grad = None
        average_gradients([value for value in self.exact.values() if value.grad is not None])
        norm = torch.nn.utils.clip_grad_norm_(self.exact.values(), LARGEST_GRADIENT, foreach=True)
        for group in self.adam.param_groups:
            group["lr"] = rate
        self.adam.step()
        self.muon.step(rate * MUON_RATE)
        self._round()
        return float(norm)

    def state(self) -> dict:
        """All but the weights that the next step depends on."""
        return {"adam": self.adam.state_dict(), "momentum": self.muon.momentum}

    def load(self, weights: dict[str, torch.Tensor], state: dict | None = None) -> None:
        """Weights that are not given stay as they are."""
        with torch.no_grad():
            for name, value in weights.items():
                self.exact[name].copy_(value)
            if state is not None:
                self.adam.load_state_dict(state["adam"])
                for name, value in state["momentum"].items():
                    self.muon.momentum[name].copy_(value)
        self._round()

    def take(self) -> None:
        """Takes over what was written into the model's own weights."""
        with torch.no_grad():
            for name, value in self.rounded.items():
                self.exact[name].copy_(value)

    def weights(self) -> dict[str, torch.Tensor]:
        return {name: value.detach() for name, value in self.exact.items()}

    @torch.no_grad()
    def _round(self) -> None:
        torch._foreach_copy_(list(self.rounded.values()), list(self.exact.values()))
