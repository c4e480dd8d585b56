"""Many questions over one collection, as OOLONG asks them: each line is judged once, and kept; code does the rest.

    python benchmarks/oolong.py train_5500.label [--tokens 64000] [--draws 3] [--seed 0] [--policy direct]

The file is TREC's own (Li and Roth 2002); the lines, nine kinds of questions and twenty conditions on pairs are those
of `rlm-local bench tasks --kind aggregate --kind pairs`. How many of the lines the model sorts right is told apart from
how many answers are. An interval is one over questions: those about one collection are not independent. Ctrl-C ends it;
what the model said of single lines is kept for the next time.
"""

import argparse
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from random import Random
from statistics import mean

from rlm_local import Engine
from rlm_local.bench.examples import wilson
from rlm_local.bench.scoring import score
from rlm_local.bench.tasks.aggregate import every_question
from rlm_local.bench.tasks.labelled import LABELS, Row, make_rows, read_trec
from rlm_local.bench.tasks.made import Made
from rlm_local.bench.tasks.pairs import CONDITIONS, MOST_USERS, asked
from rlm_local.home import Home
from rlm_local.log import RunStore


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--tokens", type=int, default=64_000)
    parser.add_argument("--draws", type=int, default=3, help="of each of the nine questions")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--policy", default="rules", help="direct: the model asked about what its window holds")
    parser.add_argument("--model", default="qwen2.5-coder-1.5b")
    given = parser.parse_args()
    rng = Random(given.seed)
    rows = make_rows(given.tokens, rng, read_trec(given.file), MOST_USERS)
    scores: dict[str, list[float]] = defaultdict(list)
    judged: dict[str, str] = {}
    with Engine(given.model) as engine:
        for name, made in questions(rows, rng, given.draws):
            answer = engine.ask(made.question, made.documents, policy=given.policy)
            if answer.ended == "cancelled":
                raise SystemExit(130)
            scores[name].append(score(made.task(name, name), answer.answer, answer.found))
            judged = max(judged, labels_in(answer.run_id), key=len)
            usage = answer.usage
            cost = f"{usage.prompt_tokens + usage.completion_tokens:,} tokens, {usage.seconds:.0f} s"
            said = f"{answer.answer[:40]!r}, expected {str(made.answer)[:40]!r}"
            print(f"{scores[name][-1]:.2f} {name}: {said}; {cost}, run {answer.run_id}", flush=True)
    pairs = scores.pop("pairs")
    for name, each in scores.items():
        print(f"{name:16} {len(each):3} {mean(each):.2f}")
    print(f"{given.tokens} tokens, {len(rows)} lines, seed {given.seed}: {leaf_accuracy(rows, judged)}")
    print(f"aggregate {told([each for of_one in scores.values() for each in of_one])}; pairs {told(pairs)}")


def questions(rows: list[Row], rng: Random, draws: int) -> Iterator[tuple[str, Made]]:
    """By what they ask; those that have no single answer are left out."""
    for _ in range(draws):
        yield from every_question(rows, rng).items()
    yield from (("pairs", made) for condition in CONDITIONS if (made := asked(rows, condition)))


def told(scores: list[float]) -> str:
    low, high = wilson(mean(scores), len(scores))
    return f"{mean(scores):.2f} ({low:.2f} to {high:.2f}) of {len(scores)} questions"


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
