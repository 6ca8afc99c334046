"""Checks the samplers against slower ways to say the same, and their training forms against inference.

    python -m training.samplers.check
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import transformers

from . import check_model
from .blocks import BlockGrid
from .budget import local_budget, priced_choice, search_price
from .density import choice_at, density_choice, density_scores
from .feature_map import FeatureMap
from .gating import balance_loss
from .layout import block_grid, compressed
from .place import token_places
from .random_router import random_place, random_router
from .sampler_file import read_sampler, write_sampler
from .settings import SamplerSettings
from .text_guided import keep_by_ratio, keep_by_share
from .vision_guided import Noise, VisionGuidedSampler

SIZES = [(4, 4), (8, 12), (5, 7), (1, 6), (9, 3)]
SCALES = (1, 2, 4)


def main() -> None:
    torch.set_num_threads(1)
    transformers.logging.disable_progress_bar()
    for name in check_samplers():
        print(f"{name}: yes")


def check_samplers() -> Iterator[str]:
    """Names each check that holds; the first that does not raises."""
    torch.manual_seed(0)
    for check in (layout_is_the_plain_reading, pooling_covers_ragged_windows, places_are_the_plain_reading, router_is_the_plain_reading,
                  density_is_the_plain_reading, prices_meet_budgets, kept_sets_break_ties_early,
                  training_computes_what_inference_does, balance_is_least_at_its_targets, sampler_files_read_back,
                  *check_model.CHECKS):
        check()
        yield check.__name__.replace("_", " ")


def plain_blocks(grid: torch.Tensor, size: int = 4) -> list[list[torch.Tensor]]:
    return [[grid[top:top + size, left:left + size] for left in range(0, grid.shape[1], size)]
            for top in range(0, grid.shape[0], size)]


def plain_windows(block: torch.Tensor, scale: int) -> list[torch.Tensor]:
    return [window.flatten(0, 1) for row in plain_blocks(block, scale) for window in row]


def random_image(size: tuple[int, int], channels: int = 8) -> FeatureMap:
    return FeatureMap(torch.randn(3, 5, channels), torch.randn(*size, channels))


def mixed_choice(image: FeatureMap, settings: SamplerSettings) -> np.ndarray:
    """Scales by chance, the last block's the coarsest."""
    blocks = block_grid(image, settings)
    choice = np.random.default_rng(0).integers(0, 3, (blocks.rows, blocks.columns))
    choice[-1, -1] = 2
    return choice


def layout_is_the_plain_reading() -> None:
    for size in SIZES:
        image, settings = random_image(size), SamplerSettings()
        choice = mixed_choice(image, settings)
        tokens, newlines = [window.amax(0) for window in plain_windows(image.overview, 2)], []
        for block_row, chosen in zip(plain_blocks(image.local), choice):
            for block, index in zip(block_row, chosen):
                tokens += [window.amax(0) for window in plain_windows(block, SCALES[index])]
            newlines.append(len(tokens))
        result = compressed(image, choice, settings)
        assert torch.equal(result.tokens, torch.stack(tokens)) and result.newlines == newlines
        assert block_grid(image, settings).tokens(choice) == len(tokens) - 6
        plain = compressed(image, choice * 0, settings)
        assert torch.equal(plain.tokens, image.tokens) and plain.newlines == image.newlines


def pooling_covers_ragged_windows() -> None:
    image = random_image((5, 7))
    settings = SamplerSettings(pooling="mean")
    choice = np.full((2, 2), 2)
    expected = torch.stack([block.mean((0, 1)) for row in plain_blocks(image.local) for block in row])
    torch.testing.assert_close(compressed(image, choice, settings).tokens[6:], expected)


@torch.no_grad()
def places_are_the_plain_reading() -> None:
    for size in SIZES:
        image, settings = random_image(size), SamplerSettings()
        choice = mixed_choice(image, settings)
        expected = []
        for grid, is_overview in ((image.overview, 1), (image.local, 0)):
            rows, columns = grid.shape[:2]
            cells = torch.stack(torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij"), -1)
            parts = [plain_windows(cells, 2)] if is_overview else [
                plain_windows(block, SCALES[index]) for block_row, chosen in zip(plain_blocks(cells), choice)
                for block, index in zip(block_row, chosen)]
            for window in (window for part in parts for window in part):
                (top, left), (bottom, right) = window.amin(0).tolist(), (window.amax(0) + 1).tolist()
                expected.append([(left + right) / columns - 1, (top + bottom) / rows - 1,
                                 2 * (right - left) / columns, 2 * (bottom - top) / rows, is_overview])
        torch.testing.assert_close(token_places(image, choice, settings), torch.tensor(expected))
        plain, told = VisionGuidedSampler(settings, random_router(8, 1)), random_place(8, 1)
        tokens = VisionGuidedSampler(settings, random_router(8, 1), told).lay_out(image, choice).tokens
        difference = tokens - plain.lay_out(image, choice).tokens
        torch.testing.assert_close(difference, torch.tensor(expected) @ told.weight.T)


@torch.no_grad()
def router_is_the_plain_reading() -> None:
    image, router = random_image((5, 7), 16), random_router(16, 1)
    found = router(image.local[None], image.context[None], 4)[0]
    weights = {name: values.double() for name, values in router.state_dict().items()}
    linear = lambda name, x: weights[f"{name}.weight"] @ x + weights[f"{name}.bias"]
    width = router.hidden_length // router.head_count

    def norm(x: torch.Tensor) -> torch.Tensor:
        x = x.double()
        scaled = (x - x.mean()) / (x.var(correction=0) + 1e-5).sqrt()
        return scaled * weights["norm.weight"] + weights["norm.bias"]

    overview = [norm(token) for token in image.context]
    for row, block_row in enumerate(plain_blocks(image.local)):
        for column, block in enumerate(block_row):
            statistics = [norm(block.mean((0, 1))), norm(block.amax((0, 1)))]
            query, heads = linear("query", torch.cat(statistics)), []
            for start in range(0, router.hidden_length, width):
                head = slice(start, start + width)
                scores = torch.stack([query[head] @ linear("key", token)[head] for token in overview]) / width ** 0.5
                shares = scores.exp() / scores.exp().sum()
                heads.append(sum(share * linear("value", token)[head] for share, token in zip(shares, overview)))
            hidden = linear("hidden", torch.cat([*statistics, linear("output", torch.cat(heads))]))
            expected = linear("logits", hidden * (1 + torch.erf(hidden / 2 ** 0.5)) / 2)
            torch.testing.assert_close(found[row, column].double(), expected, rtol=1e-4, atol=1e-4)


def density_is_the_plain_reading() -> None:
    for size in SIZES:
        grid = random_image(size).local
        grid[0, :2] = 0
        scores = density_scores(grid, 4, SCALES)
        for row, block_row in enumerate(plain_blocks(grid)):
            for column, block in enumerate(block_row):
                for index, scale in enumerate(SCALES[1:]):
                    least = min(least_cosine(window) for window in plain_windows(block, scale))
                    assert abs(least - scores[row, column, index]) < 1e-6
        blocks = BlockGrid(*size, 4, SCALES)
        for budget in range(-1, size[0] * size[1] + 1):
            choice = density_choice(scores, blocks, budget)
            fitting = [t for t in [np.inf, *scores.ravel()] if blocks.tokens(choice_at(scores, t)) <= budget]
            assert (choice == (choice_at(scores, max(fitting)) if fitting else 2)).all()


def least_cosine(window: torch.Tensor) -> float:
    mean = window.double().mean(0)
    norms = window.double().norm(dim=-1) * mean.norm()
    return min(float(token.double() @ mean / norm) if norm > 0 else 1.0 for token, norm in zip(window, norms))


def prices_meet_budgets() -> None:
    """Scales change only where two adjusted logits cross, so trying each crossing finds the smallest price."""
    for size in SIZES:
        blocks = BlockGrid(*size, 4, SCALES)
        logits = torch.randn(blocks.rows, blocks.columns, 3).numpy()
        flat, costs = logits.reshape(-1, 3).astype(np.float64), np.array([1, 1 / 4, 1 / 16])
        crossings = [(one[i] - one[j]) / (costs[i] - costs[j]) for one in flat for i in range(3) for j in range(i)]
        for budget in range(blocks.rows * blocks.columns, size[0] * size[1]):
            after = [price + 1e-9 for price in crossings
                     if blocks.tokens(priced_choice(logits, SCALES, price + 1e-9)) <= budget]
            price = search_price(logits, blocks, budget)
            assert (priced_choice(logits, SCALES, price) == priced_choice(logits, SCALES, min(after))).all()
        assert search_price(logits, blocks, 0) is None


def kept_sets_break_ties_early() -> None:
    scores = torch.tensor([0.125, 0.25, 0.125, 0.25, 0.125, 0.125])
    assert keep_by_ratio(scores, 0.5).tolist() == [0, 1, 3]
    assert keep_by_share(scores, 0.5).tolist() == [1, 3]
    assert keep_by_share(scores, 0.51).tolist() == [0, 1, 3]
    assert keep_by_share(scores, 1).tolist() == [0, 1, 2, 3, 4, 5]


def training_computes_what_inference_does() -> None:
    images = [random_image(size, 16) for size in [(5, 7), (8, 12), (5, 7)]]
    sampler = VisionGuidedSampler(SamplerSettings(), random_router(16, 1))
    for share in (None, 0.39):
        with torch.no_grad():
            expected, _ = sampler.eval()(images, share)
        results, logits = sampler.train()(images, share)
        for found, wanted, image in zip(results, expected, images):
            assert torch.equal(found.tokens, wanted.tokens) and found.newlines == wanted.newlines
            alone = sampler.eval()([image], share)[0][0]
            assert (alone.choice == wanted.choice).all()
        check_gradients(sampler, sum((result.tokens ** 2).sum() for result in results))
        check_gradients(sampler, balance_loss(logits, [result.choice for result in results], [0.2, 0.3, 0.5]))
    for kind in ("gumbel", "normal"):
        noise = Noise(kind, 1.0, torch.Generator().manual_seed(1))
        results, _ = sampler.train()(images, None, noise)
        assert all((result.gates == 1).all() for result in results)
        assert any((result.choice != wanted.choice).any() for result, wanted in zip(results, expected))


def check_gradients(module: torch.nn.Module, loss: torch.Tensor) -> None:
    module.zero_grad()
    loss.backward(retain_graph=True)
    for name, parameter in module.named_parameters():
        # A bias on keys moves all of a query's scores alike.
        assert name.endswith("key.bias") or (parameter.grad is not None and parameter.grad.abs().max() > 0), name


def balance_is_least_at_its_targets() -> None:
    shares = [0.5, 0.3, 0.2]
    choices = [np.repeat(np.arange(3), [5, 3, 2]).reshape(2, 5)]
    at_target = [torch.tensor(shares).log().expand(2, 5, 3)]
    assert abs(float(balance_loss(at_target, choices, shares)) - 1) < 1e-5
    collapsed = [torch.tensor([0.05, 0.9, 0.05]).log().expand(2, 5, 3)]
    assert float(balance_loss(collapsed, [np.ones((2, 5), np.int64)], shares)) > 2


def sampler_files_read_back() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sampler.gguf"
        learned = SamplerSettings(visual_budget=0.39, selection_layer=3, selection_heads="max")
        density = SamplerSettings("density", "mean", selection_ratio=0.3)
        for router, place, settings in ((random_router(16, 1), None, learned), (None, random_place(16, 1), density),
                                        (random_router(16, 1), random_place(16, 1), learned), (None, None, density)):
            sampler = VisionGuidedSampler(settings, router, place)
            write_sampler(path, sampler, 16, "digest")
            found, digest = read_sampler(path)
            assert (found.settings, digest) == (settings, "digest")
            assert found.state_dict().keys() == sampler.state_dict().keys()
            assert all(torch.equal(values, found.state_dict()[name]) for name, values in sampler.state_dict().items())
    assert local_budget(FeatureMap(torch.zeros(10, 10, 1), None), 2, found.settings.budget) == 39


if __name__ == "__main__":
    main()
