"""What calibration is worth: six labels for TREC's questions, zero-shot, raw and calibrated, in one run.

    python benchmarks/calibration.py train_5500.label [--rows 300] [--model qwen2.5-coder-1.5b]

The file is TREC's own (Li and Roth 2002). Rows are drawn as they come, and evenly by label; "counts off" is how far the
counts of the labels are off, as a share of the rows.
"""

import argparse
from collections import Counter
from pathlib import Path
from random import Random

from rlm_local.bench.examples import wilson
from rlm_local.bench.tasks.labelled import LABELS, read_trec
from rlm_local.engine.leaves import choose_prompt
from rlm_local.home import Home
from rlm_local.models import NEUTRAL, LlamaEngine, ensure_model, resolve

QUESTION = "Which label does this question belong to?"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--rows", type=int, default=300)
    parser.add_argument("--model", default="qwen2.5-coder-1.5b")
    asked = parser.parse_args()
    texts, rng, names = read_trec(asked.file), Random(7), list(LABELS.values())
    every = [(label, text) for label, of_label in texts.items() for text in of_label]
    even = [(label, text) for label in LABELS for text in rng.sample(texts[label], min(86, asked.rows // len(LABELS)))]
    spec = resolve(asked.model)
    print(f"{asked.model}\nrows              n  right raw           right calibrated    counts off raw  calibrated")
    with LlamaEngine(ensure_model(spec, Home.default().models), name=spec.name) as model:
        for drawn, rows in (("as they come", rng.sample(every, asked.rows)), ("even by label", even)):
            prompts = [choose_prompt(QUESTION, names, text) for _, text in rows]
            neutral = [choose_prompt(QUESTION, names, text) for text in NEUTRAL]
            scores = model.choose(prompts, names, neutral=neutral)
            truth = [LABELS[label] for label, _ in rows]
            raw = [names[each.logprobs.index(max(each.logprobs))] for each in scores]
            told = [share_right(given, truth) for given in (raw, [each.best for each in scores])]
            off = [counts_off(given, truth) for given in (raw, [each.best for each in scores])]
            print(f"{drawn:14} {len(rows):4}  {told[0]:18}  {told[1]:18}  {off[0]:14.0%}  {off[1]:10.0%}")


def share_right(given: list[str], truth: list[str]) -> str:
    right = sum(one == other for one, other in zip(given, truth, strict=True))
    low, high = wilson(right / len(truth), len(truth))
    return f"{right / len(truth):.3f} ({low:.2f} to {high:.2f})"


def counts_off(given: list[str], truth: list[str]) -> float:
    differences = (abs(Counter(given)[label] - Counter(truth)[label]) for label in set(truth) | set(given))
    return sum(differences) / 2 / len(truth)


if __name__ == "__main__":
    main()
