"""Checks training: against Hugging Face's model, against the samplers' reference, and against itself when interrupted.

    python -m training.small_model.check
"""

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from random import Random

import torch
import transformers
from transformers import LlavaNextForConditionalGeneration

from ..goldens.prompts import prompt
from ..samplers.feature_map import stitched as reference_stitched
from ..samplers.layers import causal_mask, run_layers
from ..samplers.prompt_rows import TokenPrompt, image_rows, prompt_rows
from ..samplers.sampler_file import read_sampler
from ..samplers.text_guided import dropped_rows, hide, pruning
from ..scenes.formats import FORMATS
from ..scenes.splits import LETTERS, TRAINING
from ..scenes.store import SceneStore
from .answering import SELECTION_LAYER, Selection, question_rows
from .batches import IGNORED, Batch, Batches
from .exporting import SHAPE, export, export_checkpoint
from .llava import set_token_scale
from .network import Network
from .places import coverage, token_places
from .stages import STAGES
from .supervision import is_box
from .tokens import PROMPT, Prompts, train_vocabulary
from .training_run import Settings, StageRun
from .visual import VisualTokens, compressed_tokens, feature_maps, plain_tokens, stitched
from .where import centres, patch_loss

SCENES = 60
CLOSE = dict(rtol=1e-3, atol=1e-3)


def main() -> None:
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    for name in check_training():
        print(f"{name}: yes", flush=True)


def check_training() -> Iterator[str]:
    """Names each check that holds; the first that does not raises."""
    for check in (prompts_are_the_named_ones, names_end_where_they_do, maps_are_hugging_faces, places_cover_their_boxes, places_are_told,
                  visual_tokens_are_as_large_as_text, answers_are_hugging_faces, both_samplers_are_the_reference,
                  exported_samplers_read_back, an_interrupted_run_ends_the_same):
        check()
        yield check.__name__.replace("_", " ")


@lru_cache(maxsize=1)
def source() -> bytes:
    return train_vocabulary().source


@lru_cache(maxsize=1)
def store() -> SceneStore:
    folder = tempfile.TemporaryDirectory()
    made = SceneStore(Path(folder.name), TRAINING, SCENES)
    made.keep = folder  # as long as the store
    made.draw(1)
    return made


def some_batch(kind=FORMATS[6], size: int = 2, questions: int = 5) -> Batch:
    batches = Batches([store()], source(), size, questions, "check")
    return batches.of(store(), kind, list(range(size)), Random(0), questions)


@lru_cache(maxsize=1)
def network() -> Network:
    """With random weights on the scale of a trained one's."""
    torch.manual_seed(0)
    made = Network(SHAPE, Prompts(source()).before).eval()
    with torch.no_grad():
        for name, value in made.named_parameters():
            if value.dim() > 1 and "embed" not in name:
                value.normal_(std=1.5 / value[0].numel() ** 0.5)
        set_token_scale(made.llava, made.llava.features(some_batch().pixels))
    return made


@lru_cache(maxsize=1)
def hugging_face() -> LlavaNextForConditionalGeneration:
    with tempfile.TemporaryDirectory() as folder:
        export_checkpoint(Path(folder), network().state_dict(), source())
        return LlavaNextForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).eval()


def prompts_are_the_named_ones() -> None:
    prompts = Prompts(source())
    batch = some_batch()
    named = prompt(PROMPT, None, "What colour is the star?", prompts.vocabulary, "llama")
    asked = prompts.asked("What colour is the star?", "red")
    assert prompts.before == named["before"] and list(asked.ids[:asked.answer]) == named["after"]
    assert [asked.asked.start, len(asked.asked)] == list(named["question_rows"].values())
    pieces = [prompts.vocabulary.tokens[token] for token in asked.ids[asked.answer:]]
    assert pieces == ["▁red", "</s>"]
    spelled = prompts.asked("Read the word.", "STAR").spelled
    assert sum(spelled) == 4 and (batch.labels != IGNORED).sum() > 0


def names_end_where_they_do() -> None:
    prompts = Prompts(source())
    asked = prompts.asked("Is the red star left or right of the star by the word?", "left", ("red star", "word"))
    text_until = lambda row: "".join(prompts.vocabulary.tokens[token] for token in asked.ids[:row + 1])
    assert [text_until(row).endswith(end) for row, end in zip(asked.named, ("the▁red▁star", "word"))] == [True, True]
    batch = some_batch()
    places = batch.named[is_box(batch.named)]
    assert len(places) > 0 and ((places[:, None] - batch.regions.flatten(0, 2)).abs().sum(-1) == 0).any(1).all()


def maps_are_hugging_faces() -> None:
    for kind in FORMATS:
        features = torch.randn(1, len(some_batch(kind, 1).pixels[0]), SHAPE.vision.tokens, 3)
        config = hugging_face().config
        expected = reference_stitched(features[0], (kind.height, kind.width), SHAPE.pinpoints, config.vision_config)
        overview, local = stitched(features, kind)
        assert torch.equal(overview[0], expected.overview) and torch.equal(local[0], expected.local)
        assert token_places(kind).map_size == expected.map_size


def places_cover_their_boxes() -> None:
    for kind in FORMATS:
        places = token_places(kind).tokens[None]
        overview = SHAPE.vision.tokens
        box = torch.tensor([60.0, 70.0, 110.0, 95.0])
        covered = coverage(places, box.expand(1, 1, 1, 4))[0, 0, 0]
        area = (places[0, :, 2:] + places[0, :, :2]).prod(-1)
        for tokens in (slice(0, overview), slice(overview, None)):
            assert abs((covered[tokens] * area[tokens]).sum() - 50 * 25) < 1, kind
        assert covered.max() <= 1 + 1e-5


@torch.no_grad()
def places_are_told() -> None:
    for kind in FORMATS:
        found = centres(token_places(kind).tokens[None], kind)[0]
        side = round(SHAPE.vision.tokens ** 0.5)
        overview, local = found[:side * side], found[side * side:]
        assert torch.allclose(overview[1] - overview[0], torch.tensor([2 / side, 0]), atol=1e-5), kind
        assert torch.allclose(overview[0], -overview[-1], atol=1e-5), kind
        assert torch.allclose(local[0], -local[-1], atol=0.05), kind
        assert overview.abs().max() < 1 and local.abs().max() < 1.1, kind

    class Exact(torch.nn.Module):
        distance = staticmethod(lambda rows, places: (rows - places).pow(2).sum(-1))
    assert patch_loss(Exact(), overview.expand(1, 2, -1, -1)) < 1e-9


@torch.no_grad()
def visual_tokens_are_as_large_as_text() -> None:
    batch = some_batch()
    features = network().llava.features(batch.pixels)
    rows = network().llava.rows(batch, plain_tokens(features, batch.format), network().before)
    sizes = rows.hidden.pow(2).mean(-1).sqrt()
    visual, text = sizes[:, :rows.layout.prefix][rows.layout.is_visual].mean(), sizes[:, rows.layout.prefix:].mean()
    assert 0.7 < visual / text < 1.4, (visual, text)


@torch.no_grad()
def answers_are_hugging_faces() -> None:
    """Many questions in one sequence against one prompt at a time in the exported checkpoint."""
    batch = some_batch()
    features = network().llava.features(batch.pixels)
    found = answer_logits(batch, plain_tokens(features, batch.format), None)
    prompts, model = Prompts(source()), hugging_face()
    count = plain_tokens(features, batch.format).order.shape[1]
    for image in range(len(batch.ids)):
        pixels = (batch.pixels[image].permute(0, 3, 1, 2).float() / 127.5 - 1)[None]
        for ids, rows in separate(batch, image):
            tokens = [*prompts.before, *[model.config.image_token_index] * count, *ids]
            logits = model(input_ids=torch.tensor([tokens]), pixel_values=pixels, use_cache=False,
                           image_sizes=torch.tensor([[batch.format.height, batch.format.width]])).logits[0]
            torch.testing.assert_close(found[image, rows], logits[-len(ids):], **CLOSE)


def answer_logits(batch: Batch, visual: VisualTokens, selection: Selection | None) -> torch.Tensor:
    """Logits `[n, question row, V]`."""
    rows = question_rows(network().llava, batch, visual, network().before, selection)
    found = network().llava.language_model.logits(rows.hidden)
    result = torch.zeros(*batch.ids.shape, found.shape[-1])
    sequence, row = (rows.origin >= 0).nonzero(as_tuple=True)
    result[sequence // (len(rows.origin) // len(batch.ids)), rows.origin[sequence, row]] = found[sequence, row]
    return result


def separate(batch: Batch, image: int) -> Iterator[tuple[list[int], torch.Tensor]]:
    """Each question's ids and where its rows are."""
    for question in range(int(batch.question_of[image].max()) + 1):
        rows = (batch.question_of[image] == question).nonzero()[:, 0]
        yield batch.ids[image, rows].tolist(), rows


@torch.no_grad()
def both_samplers_are_the_reference() -> None:
    batch, ratio = some_batch(), 0.4
    maps = feature_maps(network().llava.features(batch.pixels), batch.format)
    images, _ = network().sampler(maps, 0.5)
    visual = compressed_tokens(images, batch.format)
    assert len({len(image.tokens) for image in images}) == 2, "equal counts would not show padding"
    model = hugging_face()
    for mode in ("prune", "shared"):
        found = answer_logits(batch, visual, Selection(ratio, mode))
        for image, compressed_image in enumerate(images):
            rows_of_image = image_rows(model, compressed_image.tokens, compressed_image.newlines)
            for ids, rows in separate(batch, image):
                single = prompt_rows(model, [TokenPrompt(network().before, ids, [], [])], [rows_of_image])
                asked = torch.zeros_like(single.is_question)
                asked[0, -len(ids):] = batch.is_asked[image, rows]
                single = replace(single, is_question=asked)
                masks = pruning(single, SELECTION_LAYER, ratio) if mode == "prune" else sharing(single, ratio)
                logits, _ = run_layers(model, single.rows, masks, {SELECTION_LAYER - 1})
                torch.testing.assert_close(found[image, rows], logits[0, -len(ids):], **CLOSE)


def sharing(single, ratio: float):
    """Above the selection layer the question's rows alone do not see what is dropped."""
    causal = causal_mask(single.rows)

    def mask_of(index: int, attention: list) -> torch.Tensor:
        if index < SELECTION_LAYER:
            return causal
        viewers = torch.arange(single.rows.shape[1])[None] >= single.image_ends[:, None]
        return hide(causal, dropped_rows(attention[SELECTION_LAYER - 1], single, ratio), viewers)

    return mask_of


def exported_samplers_read_back() -> None:
    with tempfile.TemporaryDirectory() as folder:
        export(Path(folder), network().state_dict(), source())
        found, wanted = read_sampler(Path(folder) / "sampler.gguf")[0], network().sampler
        assert found.settings == replace(wanted.settings, visual_budget=found.settings.visual_budget)
        assert all(torch.equal(value, wanted.state_dict()[name]) for name, value in found.state_dict().items())
        size = sum(file.stat().st_size for file in Path(folder).iterdir())
        assert size < 48e6, size


def an_interrupted_run_ends_the_same() -> None:
    """Every stage for three steps, at once and stopped after each step."""
    with tempfile.TemporaryDirectory() as whole, tempfile.TemporaryDirectory() as cut:
        ends = []
        for folder, until in ((whole, float("inf")), (cut, 0.0)):
            for stage in STAGES.values():
                short = replace(stage, images=6)
                stores = {TRAINING: store(), LETTERS: store()}
                settings = Settings(Path(folder), source(), stores, precision=torch.float32, batch=2, questions=3)
                run = StageRun(settings, short)
                while not run.is_done:
                    with contextlib.redirect_stdout(None):
                        run.run(until)
                    run = StageRun(settings, short)
                ends.append(run.weights.weights())
        count = len(STAGES)
        for one, other in zip(ends[:count], ends[count:], strict=True):
            assert all(torch.equal(value, other[name]) for name, value in one.items())


if __name__ == "__main__":
    main()
