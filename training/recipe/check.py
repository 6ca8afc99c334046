"""Checks the recipe on tiny random checkpoints and a few photographs, with rows that no data should have.

    python -m training.recipe.check
"""

import contextlib
import io
import json
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import transformers
from transformers import AutoModelForCausalLM

from ..goldens.prompts import DEFAULT_SYSTEM
from ..samplers.feature_map import FeatureMap
from ..samplers.sampler_file import read_sampler, vision_digest
from ..small_model.saved import load, read_log
from .__main__ import main as recipe
from .check_data import PHOTOS, ROOT, WANTED, Place, bad_rows, good_rows
from .checkpoint import build, configuration, trained
from .conversations import Question, read_conversations
from .exporting import export
from .loss import batch_loss, feature_maps
from .prompts import Prompts, fitting_prompt
from .settings import keep
from .settings import read as read_settings
from .skipped import Skipped
from .teacher import Teacher, measured_thresholds
from .tokenizer import Tokenizer
from .training_run import STATE, TrainingRun, put_weights

GOLDENS = ROOT / "Tests/LlavaModelTests/Fixtures/prompts.json"


def main() -> None:
    torch.set_num_threads(1)
    transformers.logging.disable_progress_bar()
    with tempfile.TemporaryDirectory() as folder:
        place = Place(Path(folder))
        for check in CHECKS:
            said = io.StringIO()
            try:
                with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
                    figures = check(place)
            except BaseException:
                print(said.getvalue())
                raise
            print(f"{check.__name__.replace('_', ' ')}: yes{figures or ''}", flush=True)


def prompts_are_the_goldens(place: Place) -> None:
    """Ids and question rows of the named prompts, against the goldens that the worker is held to."""
    tokenizers = {name: Tokenizer(str(place.checkpoint(architecture=name))) for name in ("llama", "qwen2")}
    compared = 0
    for golden in json.loads(GOLDENS.read_text())["prompts"]:
        if golden["system"] != DEFAULT_SYSTEM.get(golden["template"]):
            continue
        tokenizer = tokenizers["llama" if golden["template"].startswith("llava-1") else "qwen2"]
        found = Prompts(golden["template"], tokenizer, 2).of(Question(golden["question"], "yes"))
        rows = golden["question_rows"]
        assert found.before == golden["before"], golden
        assert found.between + found.question + found.after == golden["after"], golden
        assert (len(found.between), len(found.question)) == (rows["first"], rows["count"]), golden
        compared += 1
    assert compared > 50


def bad_rows_are_counted_and_skipped(place: Place) -> None:
    lines = place.folder / "data.jsonl"
    parts = [json.dumps(one) for one in good_rows() + bad_rows()]
    lines.write_text("\n".join([*parts, "{", ""]))
    for path, more in ((place.data, {}), (lines, {"no JSON": 1})):
        skipped = Skipped()
        pictures = read_conversations(path, place.images, skipped)
        assert skipped.counts == WANTED | more, skipped.counts
        assert {picture.path for picture in pictures} == {*PHOTOS, "cut.jpg", "text.png"}
    run = place.run("bad", place.settings("router", steps=7, accumulate=1, questions=4))
    run.run()
    assert run.skipped.counts == {"image unreadable": 2, "question and answer too long": 1}, run.skipped.counts


def batches_hang_on_their_numbers_alone(place: Place) -> None:
    settings = place.settings("router", questions=1)
    one, other = place.batches(settings), place.batches(settings)
    for number in (7, 2, 7):
        assert one[number].prompts == other[number].prompts
    assert one[2].prompts != one[3].prompts and len(one[0].image_of) <= 2


def lessons_have_the_wanted_shares(place: Place) -> None:
    torch.manual_seed(0)
    # From smooth images to rough ones: the choice should follow that.
    maps = [FeatureMap(torch.ones(4, 4, 8), torch.randn(8) + roughness * torch.randn(40, 40, 8))
            for roughness in (0.3, 0.6, 1.2)]
    settings, shares = place.settings("router").sampler, (0.32, 0.28, 0.40)
    teacher = Teacher(settings, measured_thresholds(maps, settings, shares))
    scales = np.stack([teacher.scales(image) for image in maps])
    found = np.bincount(scales.ravel(), minlength=3) / scales.size
    assert np.abs(found - shares).max() < 0.01, found
    assert (np.diff(scales.reshape(3, -1).mean(1)) < 0).all()


def answers_teach_the_router_and_the_adapters(place: Place) -> None:
    """The gradient of the answers' loss alone; checkpointed layers give the same one."""
    for tune in ("router", "lora"):
        gradients = []
        for checkpointing in (False, True):
            settings = place.settings(tune, checkpointing=checkpointing)
            focus, batches = build(settings), place.batches(settings)
            for name, parameter in trained(focus):
                if "lora_B" in name:  # zero at first, which hides the gradient of lora_A
                    torch.nn.init.normal_(parameter, std=0.1)
            teacher = Teacher(settings.sampler, [0.9, 0.9])
            for number in range(3):
                batch_loss(focus, batches[number], teacher, settings, number, 0.0).values["answer"].backward()
            reached = {name: parameter.grad for name, parameter in focus.named_parameters()
                       if parameter.grad is not None and parameter.grad.abs().max() > 0}
            wanted = {name for name, _ in trained(focus) if not name.endswith("key.bias")}  # moves all scores alike
            assert set(reached) - {"vision_guided.router.key.bias"} == wanted, wanted ^ set(reached)
            gradients.append(reached)
        for name, gradient in gradients[0].items():
            torch.testing.assert_close(gradients[1][name], gradient, rtol=1e-3, atol=1e-5)


def only_what_should_train_changes(place: Place) -> None:
    for tune in ("router", "lora"):
        run = place.run(f"changes-{tune}", place.settings(tune), logged_every=2)
        before = {name: values.clone() for name, values in run.focus.state_dict().items()}
        run.run()
        changed = {name for name, values in run.focus.state_dict().items() if not torch.equal(values, before[name])}
        ours = {name for name in before if name.startswith("vision_guided.router.") or "lora_" in name}
        assert changed == ours, changed ^ ours
        assert any("lora_" in name for name in ours) == (tune == "lora")
        assert not any("lora_" in name and "language_model.layers" not in name for name in ours)
        log = read_log(run.folder)
        assert [line["step"] for line in log] == [2, 4]
        assert {"answer", "balance", "tokens", "entropy within", "entropy between", "scale 4", "speed", "memory"} <= \
            set(log[-1])


def interrupted_and_resumed_is_uninterrupted(place: Place) -> None:
    """Against the runs of the check before."""
    for tune in ("router", "lora"):
        settings = place.settings(tune)
        for until in (1, 3, None):
            place.run(f"slices-{tune}", settings).run(until)
        whole, slices = (load(place.folder / f"{name}-{tune}" / STATE) for name in ("changes", "slices"))
        assert whole["step"] == slices["step"] == 4
        assert all(torch.equal(values, slices["weights"][name]) for name, values in whole["weights"].items())
        try:
            keep(place.folder / f"slices-{tune}", replace(settings, batch=3))
        except SystemExit as error:
            assert "batch" in str(error)
        else:
            raise AssertionError("a run went on with other settings")


def exported_files_hold_what_was_trained(place: Place) -> None:
    vision = place.checkpoint() / "vision.gguf"
    for tune in ("router", "lora"):
        run, output = place.folder / f"changes-{tune}", place.folder / f"exported-{tune}"
        files = export(run, output, vision)
        weights = load(run / STATE)["weights"]
        sampler, trained_for = read_sampler(output / "sampler.gguf")
        assert sampler.settings == place.settings(tune).sampler and trained_for == vision_digest(vision)
        for name, values in sampler.router.state_dict().items():
            assert torch.equal(values, weights[f"vision_guided.router.{name}"]), name
        assert len(files) == (2 if tune == "lora" else 1)
    focus, ids = build(place.settings("lora")).eval(), torch.arange(20)[None]
    put_weights(focus, load(place.folder / "changes-lora" / STATE)["weights"])
    merged = AutoModelForCausalLM.from_pretrained(place.folder / "exported-lora/language", dtype=torch.float32)
    with torch.no_grad():
        wanted = focus.model.lm_head(focus.model.model.language_model(input_ids=ids).last_hidden_state)
        torch.testing.assert_close(merged(input_ids=ids).logits, wanted, rtol=1e-4, atol=1e-4)
    assert (place.folder / "exported-lora/language/tokenizer.model").exists()


def two_pictures_are_learnt_by_heart(place: Place) -> str:
    """The answers by adapters, the lessons by the router; without noise, at the router's own budget."""
    pictures = place.pictures()[:2]
    settings = place.settings("lora", steps=40, accumulate=1, rate=3e-3, lora_rate=1e-2, lora_rank=8)
    run = place.run("by-heart", settings, pictures)
    before = answers_and_agreement(run)
    run.run()
    after = answers_and_agreement(run)
    assert after[0] < before[0] / 2 and after[1] > before[1]
    return (f" (loss of answers {before[0]:.2f} to {after[0]:.2f}, blocks as taught {before[1]:.0%} to "
            f"{after[1]:.0%})")


@torch.no_grad()
def answers_and_agreement(run: TrainingRun) -> tuple[float, float]:
    batch = run.batches[0]
    maps = feature_maps(run.focus, batch.images)
    output = run.focus(maps, batch.prompts, batch.image_of, None, 1.0)
    return float(output.loss), float(run.teacher.loss(output.router_logits, maps)[1])


def the_command_line_trains_and_exports(place: Place) -> None:
    checkpoint, run, output = place.checkpoint(), place.folder / "command", place.folder / "command-exported"
    train = ["train", "--model", f"{checkpoint}", "--data", f"{place.data}", "--images", f"{place.images}",
             "--output", f"{run}", "--epochs", "0.5", "--accumulate", "1"]
    recipe(train)
    recipe(train)  # once done it does nothing
    recipe(["export", "--run", f"{run}", "--vision", f"{checkpoint / 'vision.gguf'}", "--output", f"{output}"])
    settings = read_settings(run)
    assert (settings.steps, settings.prompt, settings.selection_layer) == (2, "llava-1.6-vicuna", 1)
    assert read_sampler(output / "sampler.gguf")[0].router is not None


def other_kinds_and_types_train(place: Place) -> None:
    """LLaVA-1.5, Qwen2 with its own prompt, and BF16."""
    for name, architecture, prompt, precision in (("tiny-1.5", "llama", "llava-1.5", "float32"),
                                                  ("tiny-next", "qwen2", "chatml", "bf16")):
        checkpoint = str(place.checkpoint(name, architecture))
        assert fitting_prompt(configuration(checkpoint), Tokenizer(checkpoint)) == prompt
        settings = replace(place.settings("lora", steps=1, precision=precision), model=checkpoint, prompt=prompt)
        run = place.run(f"{name}-{architecture}", settings)
        run.run()
        assert run.is_done and not run.skipped.counts["gradient not finite"]
        assert all(values.dtype == torch.float32 for _, values in trained(run.focus))


CHECKS = (prompts_are_the_goldens, bad_rows_are_counted_and_skipped, batches_hang_on_their_numbers_alone,
          lessons_have_the_wanted_shares, answers_teach_the_router_and_the_adapters, only_what_should_train_changes,
          interrupted_and_resumed_is_uninterrupted, exported_files_hold_what_was_trained,
          two_pictures_are_learnt_by_heart, the_command_line_trains_and_exports, other_kinds_and_types_train)

if __name__ == "__main__":
    main()
