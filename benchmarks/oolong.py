"""Many questions over one collection, as OOLONG asks them: each line is judged once, and kept; code does the rest.

    python benchmarks/oolong.py train_5500.label [--tokens 64000] [--draws 3] [--seed 0] [--model qwen2.5-coder-1.5b]

The file is TREC's own (Li and Roth 2002); the lines and nine kinds of questions are those of `rlm-local bench tasks
--kind aggregate`. How many of the lines the model sorts right is told apart from how many answers are. The interval is
one over questions: those about one collection are not independent.
"""

import argparse
from collections import defaultdict
from pathlib import Path
from random import Random
from statistics import mean

from rlm_local import Answer, Engine
from rlm_local.bench.examples import wilson
from rlm_local.bench.scoring import Task, score
from rlm_local.bench.tasks.aggregate import every_question
from rlm_local.bench.tasks.labelled import LABELS, Row, make_rows, read_trec
from rlm_local.bench.tasks.made import Made
from rlm_local.home import Home
from rlm_local.log import RunStore


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--tokens", type=int, default=64_000)
    parser.add_argument("--draws", type=int, default=3, help="of each of the nine questions")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", default="qwen2.5-coder-1.5b")
    asked = parser.parse_args()
    rng = Random(asked.seed)
    rows = make_rows(asked.tokens, rng, read_trec(asked.file))
    scores: dict[str, list[float]] = defaultdict(list)
    judged: dict[str, str] = {}
    with Engine(asked.model) as engine:
        for name, made in (each for _ in range(asked.draws) for each in every_question(rows, rng).items()):
            answer = engine.ask(made.question, made.documents)
            scores[name].append(scored(made, answer))
            judged = max(judged, labels_in(answer.run_id), key=len)
            usage = answer.usage
            cost = f"{usage.prompt_tokens + usage.completion_tokens:,} tokens, {usage.seconds:.0f} s"
            said = f"{answer.answer[:40]!r}, expected {made.answer!r}"
            print(f"{scores[name][-1]:.2f} {name}: {said}; {cost}, run {answer.run_id}", flush=True)
    for name, each in scores.items():
        print(f"{name:16} {len(each):3} {mean(each):.2f}")
    every = [each for of_one in scores.values() for each in of_one]
    low, high = wilson(mean(every), len(every))
    print(f"score {mean(every):.2f} ({low:.2f} to {high:.2f}) of {len(every)} questions over {len(rows)} lines")
    print(leaf_accuracy(rows, judged))


def scored(made: Made, answer: Answer) -> float:
    task = Task("", "", made.question, (), made.scorer, made.answer, made.accept, against=made.against)
    return score(task, answer.answer, answer.found)


def labels_in(run_id: str) -> dict[str, str]:
    """The label that the largest batch of a run gave to each line, by the line's question."""
    with RunStore(Home.default().runs) as store:
        batches = [batch for node in store.get(run_id).nodes for turn in node.turns for batch in turn.batches]
    calls = max((batch.calls for batch in batches if batch.kind == "choose"), key=len, default=())
    return {
        call.messages[-1]["content"].rpartition("Record:\n")[2]: call.options[_highest(call.result["biased"])]
        for call in calls
    }


def leaf_accuracy(rows: list[Row], judged: dict[str, str]) -> str:
    right = [judged[row.text] == LABELS[row.label] for row in rows if row.text in judged]
    return f"leaf accuracy {mean(right):.3f} of {len(right)} lines" if right else "no line was judged"


def _highest(values: list[float]) -> int:
    return max(range(len(values)), key=values.__getitem__)


if __name__ == "__main__":
    main()
