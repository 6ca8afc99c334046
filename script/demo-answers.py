"""Prints the results of a job file: question, answer, confidence where asked for, and the token ledger.

Where a job's metadata give the right answers, each answer is compared with its own, and at the end they are counted.
"""

import json
import sys


def lines(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def shown(answer):
    """On one line, whatever characters a model puts out."""
    text = "".join(c if c.isprintable() else " " for c in answer)
    return text if text.strip() else "(empty)"


jobs, results = lines(sys.argv[1]), lines(sys.argv[2])
right = asked = 0
letters = {r.get("job_id"): r for r in results if "reason" in r}
answers = {(r["job_id"], r["question_id"]): r for r in results if "question_id" in r}

for job in jobs:
    image = job["image"].get("uri", "base64 in the job")
    note = job.get("metadata", {}).get("note")
    print(f"\n{image}" + (f" ({note})" if note else ""))
    if letter := letters.get(job["job_id"]):
        print(f"  refused: {letter['reason']}: {letter['message']}")
        continue
    ledger = None
    for question in job["questions"]:
        result = answers[job["job_id"], question["question_id"]]
        print(f"  {question['text']}")
        if error := result.get("error"):
            print(f"    → failed: {error['code']}: {error['message']}")
            continue
        cut = "  (cut at max_tokens)" if result["finish_reason"] == "length" else ""
        verdict = ""
        if expected := job.get("metadata", {}).get("answers", {}).get(question["question_id"]):
            is_right = result["answer"].strip() == expected
            right, asked = right + is_right, asked + 1
            verdict = "  ✓" if is_right else f"  ✗ right: {expected}"
        print(f"    → {shown(result['answer'])}{cut}{verdict}")
        if chances := result.get("choice_probabilities"):
            print("      choices: " + ", ".join(f"{c} {p:.1%}" for c, p in chances.items()))
        if (logprob := result.get("answer_logprob")) is not None:
            print(f"      log-probability of the answer: {logprob:.2f}")
        tokens, usage, time = result["visual_tokens"], result["usage"], result["timings_ms"]
        ledger = (
            f"  visual tokens: {tokens['encoded']} encoded → {tokens['compressed']} compressed"
            f" → {tokens['selected']} selected"
        )
        print(
            f"      {usage['prompt_tokens']} prompt + {usage['completion_tokens']} answer tokens,"
            f" prefill {time['prefill']:.0f} ms, decode {time['decode']:.0f} ms"
        )
    if ledger:
        print(f"{ledger} · fetch {time['fetch']:.0f} ms, vision {time['vision']:.0f} ms")

if asked:
    print(f"\n{right} of {asked} answers are right, word by word.")
