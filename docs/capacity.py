#!/usr/bin/env python3
"""Workers, days and money for many images, from measured costs of the stages.

    docs/capacity.py                                            # figures of a 2-core EPYC
    docs/capacity.py --cores 8 --vision 0.5 --prefill 0.0012 --decode 0.01    # your machine's, from focus bench
    docs/capacity.py --layers 32 --language-scale 6.1           # a 7B language model, by its size alone

It adds up the stages of one job, then multiplies. Options say what each figure is and where its default comes from.
"""

import argparse
import math


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    costs = parser.add_argument_group("measured costs, in seconds of one machine")
    costs.add_argument("--vision", type=float, default=1.86, help="vision tower and projector, one tile (BF16, EPYC)")
    costs.add_argument("--prefill", type=float, default=4.10 / 512, help="one prompt row through all layers (Q8_0)")
    costs.add_argument("--decode", type=float, default=1.16 / 32, help="one answer token, one answer alone (Q8_0)")
    costs.add_argument("--decode-gain", type=float, default=2.2, help="how much cheaper a token is where many answers decode together")
    costs.add_argument("--rest", type=float, default=1.13, help="what the sum leaves out, as a factor: measured whole over summed stages")
    costs.add_argument("--language-scale", type=float, default=1, help="factor on prefill and decode, for another language model")
    costs.add_argument("--cores", type=int, default=2, help="of the machine that the costs were measured on")
    job = parser.add_argument_group("the job")
    job.add_argument("--tiles", type=int, default=5, help="of one image, the overview among them")
    job.add_argument("--tokens", type=int, default=1122, help="of one image after compression (0.39 of 2880)")
    job.add_argument("--question-tokens", type=int, default=20)
    job.add_argument("--answer-tokens", type=int, default=16)
    job.add_argument("--ratio", type=float, default=0.5, help="share of the tokens that a question keeps")
    job.add_argument("--layers", type=int, default=22)
    job.add_argument("--selection-layer", type=int, help="a quarter of the layers by default")
    job.add_argument("--questions", type=int, nargs="+", default=[1, 4, 16])
    plan = parser.add_argument_group("the plan")
    plan.add_argument("--images", type=float, nargs="+", default=[1e6, 1e9])
    plan.add_argument("--hits", type=float, default=0, help="share of the images that the token store holds already")
    plan.add_argument("--worker-cores", type=int, default=8, help="of one worker")
    plan.add_argument("--utilization", type=float, default=0.85, help="share of the time that workers compute")
    plan.add_argument("--days", type=float, default=30, help="in which all must be done")
    plan.add_argument("--core-hour", type=float, default=0.04, help="price of one core for one hour; an assumption, put in yours")
    plan.add_argument("--token-bytes", type=float, default=1.2e6, help="of one stored image (Q8_0; F16: 2.3e6)")
    plan.add_argument("--result-bytes", type=float, default=700, help="of one result record")
    return parser.parse_args()


def job_seconds(a, questions):
    """(vision, language) of one job, as the machine was measured."""
    selection_layer = a.selection_layer if a.selection_layer is not None else a.layers // 4
    prefill, decode = a.prefill * a.language_scale, a.decode * a.language_scale / a.decode_gain
    # auto: one question prunes, several share the image through every layer.
    below = selection_layer / a.layers
    share = below + (1 - below) * a.ratio if questions == 1 else 1
    vision = a.tiles * a.vision * (1 - a.hits)
    language = a.tokens * share * prefill + questions * (a.question_tokens * prefill + a.answer_tokens * decode)
    return vision * a.rest, language * a.rest


def number(value):
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value:.3g}"


def size(value):
    for unit, power in (("PB", 1e15), ("TB", 1e12), ("GB", 1e9)):
        if value >= power:
            return f"{value / power:.3g} {unit}"
    return f"{value / 1e6:.3g} MB"


def main():
    a = arguments()
    print("| images | questions | vision, s | language, s | core-hours | workers | cost | jobs/s | token store | results |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for images in a.images:
        for questions in a.questions:
            vision, language = job_seconds(a, questions)
            core_hours = images * (vision + language) * a.cores / 3600
            rate = images / (a.days * 86400)
            workers = core_hours / (a.worker_cores * a.days * 24 * a.utilization)
            print(
                f"| {number(images)} | {questions} | {vision:.1f} | {language:.1f} | {number(core_hours)} "
                f"| {number(max(1, math.ceil(workers)))} | {number(core_hours / a.utilization * a.core_hour)} "
                f"| {rate:.3g} | {size(images * a.token_bytes)} | {size(images * questions * a.result_bytes)} |"
            )


main()
