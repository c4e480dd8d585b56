"""Records to write, and the process that the fault tests kill."""

import sys
from pathlib import Path

from rlm_local.engine.answer import Answer, Ended, Evidence, Usage
from rlm_local.log import CallRecord, NodeStart, RunLog, RunStart, RunStore, TurnStart


def run_start(question: str = "How many visits in May?", task_id: str | None = None) -> RunStart:
    return RunStart(
        question=question,
        task_id=task_id,
        sources=("examples/records",),
        context_sha256="ab" * 32,
        context_tokens=300_000,
        documents=44,
        model="tiny",
        model_sha256="cd" * 32,
        template_sha256="ef" * 32,
        prompt_version="1",
        author="programs",
        policy="rules",
        limits={"tokens": 100_000, "calls": 50, "seconds": None},
        seed=7,
    )


def turn_start(cell: str = "print(len(rows('visits')))") -> TurnStart:
    return TurnStart(
        state={"question": "How many visits in May?", "context_tokens": 300_000, "fill": 9.2},
        decision={"action": "SEARCH", "logprobs": {"SEARCH": -0.2, "MAP": -1.7}, "bias": {}, "reason": "fields"},
        messages=({"role": "system", "content": "You plan."}, {"role": "user", "content": "How many?"}),
        prefill='{"op": "',
        prompt_ids=tuple(range(700)),
        completion_ids=(5, 0, 2_000_000_000, -1),
        text='count"}',
        plan={"op": "count"},
        cell=cell,
        thought="May is a month.",
    )


def call_record(item: str = "a visit") -> CallRecord:
    messages = ({"role": "system", "content": "Yes or no?"}, {"role": "user", "content": item})
    return CallRecord(messages, "", ("yes", "no"), {"probabilities": {"yes": 0.9, "no": 0.1}}, 60, 40, 0)


def answer(run_id: str, ended: Ended = Ended.ANSWERED) -> Answer:
    evidence = (Evidence("visits.csv", 10, 24, "2026-05-04,Roe"),)
    return Answer(run_id, "How many visits in May?", "12", True, ended, evidence, Usage(900, 12, 3), "tiny", "rules")


def write_run(log: RunLog, turns: int) -> None:
    node = log.node(NodeStart("How many visits in May?"))
    for number in range(turns):
        turn = log.begin_turn(node, turn_start(f"print({number})"))
        log.calls(turn, "judge", [call_record(f"visit {number}.{i}") for i in range(3)], 0.5)
        log.end_turn(turn, f"{number}\n", None, None, 0.1)
    log.end(answer(log.run_id))


def write_for_ever(path: Path) -> None:
    """Writes runs until killed; says on stdout what is acknowledged."""
    with RunStore(path) as store:
        while True:
            log = store.begin(run_start())
            print("run", log.run_id, flush=True)
            node = log.node(NodeStart("How many visits in May?"))
            for _ in range(3):
                turn = log.begin_turn(node, turn_start())
                print("turn", log.run_id, turn, flush=True)
                log.calls(turn, "judge", [call_record()], 0.5)
                log.end_turn(turn, "12\n", None, None, 0.1)
                print("end_turn", log.run_id, turn, flush=True)
            log.end(answer(log.run_id))
            print("end", log.run_id, flush=True)


if __name__ == "__main__":
    write_for_ever(Path(sys.argv[1]))
