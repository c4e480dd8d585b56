"""Datasets: samples for SFT, DPO, KTO or GRPO, made from the states in the log, and an account of what was left out.

Prompts and completions are the tokens that the engine sent and got, from the log. No template and no tokenizer stands
between what is learned and what is asked later.
"""

import hashlib
import json
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, cast, get_args

from rlm_local.log import RunStore
from rlm_training.errors import DataError
from rlm_training.files import whole, write_json
from rlm_training.trajectories import TOO_DEAR, Alternative, State

Format = Literal["sft", "dpo", "kto", "grpo"]
FORMATS: tuple[Format, ...] = get_args(Format)
_LOOKED_AT = 10


@dataclass(frozen=True)
class Sample:
    """One decision to learn. Which fields are used depends on the format: DPO uses `rejected_ids`, KTO `good`; GRPO has
    no completion."""

    task: str
    group: str
    split: str
    decision: str
    prompt_ids: tuple[int, ...]
    completion_ids: tuple[int, ...] = ()
    rejected_ids: tuple[int, ...] = ()
    good: bool = True
    text: str = ""
    """The question and the reply, for a person."""

    runs: tuple[str, ...] = ()
    """The runs in the log that its tokens come from."""

    @property
    def length(self) -> int:
        """Tokens of the prompt and the longer completion."""
        return len(self.prompt_ids) + max(len(self.completion_ids), len(self.rejected_ids))


@dataclass(frozen=True)
class Dataset:
    """Samples, and how many were left out for which reason. `about` names the model and the prompts."""

    format: Format
    samples: tuple[Sample, ...]
    dropped: Counter[str]
    about: dict[str, Any] = field(default_factory=dict[str, Any])

    def split(self, name: str) -> tuple[Sample, ...]:
        return tuple(sample for sample in self.samples if sample.split == name)

    @property
    def runs(self) -> tuple[str, ...]:
        """The runs in the log that it was made from."""
        return tuple(sorted({run for sample in self.samples for run in sample.runs}))

    def report(self) -> dict[str, Any]:
        """What is in it, what was left out, and ten samples as text; plain data."""
        kept = {name: dict(Counter(s.decision for s in self.split(name)).most_common()) for name in _SPLITS}
        shown = [{"decision": s.decision, "good": s.good, "text": s.text} for s in self.samples[:_LOOKED_AT]]
        return {
            "format": self.format,
            **self.about,
            "kept": kept,
            "dropped": dict(self.dropped.most_common()),
            "longest": max((sample.length for sample in self.samples), default=0),
            "runs": self.runs,
            "samples": shown,
        }


_SPLITS = ("train", "held-out")


def build(
    states: Iterable[State], form: Format, *, max_length: int, balance: float = 2.0, about: dict[str, Any] | None = None
) -> Dataset:
    """Makes a dataset from states.

    Args:
        max_length: the most tokens of prompt and completion; longer samples are left out.
        balance: how many times its even share a decision may have among the samples for training.

    Raises:
        DataError: there is nothing to learn: nothing was solved, or every sample decides the same.
    """
    dropped: Counter[str] = Counter()
    samples: list[Sample] = []
    for state in states:
        if state.damaged:
            dropped["damaged in the log"] += state.damaged
        samples += _of(state, form, dropped)
    samples = _once(samples, dropped)
    fitting = [sample for sample in samples if sample.length <= max_length]
    dropped["longer than max_length"] += len(samples) - len(fitting)
    kept = _balanced(fitting, balance, dropped)
    dataset = Dataset(form, tuple(kept), +dropped, about or {})
    decisions = {sample.decision for sample in dataset.split("train")}
    if not decisions:
        raise DataError(
            f"there is nothing to learn from: {_account(dropped)}",
            remedy="Collect more tasks with `rlm-local collect`, easier ones, or with a larger model",
        )
    if len(decisions) == 1 and form != "grpo":
        raise DataError(
            f"every sample decides {decisions.pop()}: there is no decision to learn",
            remedy="Collect tasks of other kinds too",
        )
    return dataset


def save(dataset: Dataset, directory: Path) -> None:
    """Write it to a folder: a file of JSON lines for each split, and report.json.

    Raises:
        TrainingError: it cannot be written; nothing of it is left.
    """
    with whole(directory) as made:
        made.mkdir()
        hashes: dict[str, str] = {}
        for name in _SPLITS:
            lines = "".join(json.dumps(asdict(sample)) + "\n" for sample in dataset.split(name))
            (made / f"{name}.jsonl").write_text(lines, "utf-8")
            hashes[name] = hashlib.sha256(lines.encode()).hexdigest()
        write_json(made / "report.json", {**dataset.report(), "sha256": hashes})


def load(directory: Path) -> Dataset:
    """Read a folder that `save` wrote.

    Raises:
        DataError: it is not a dataset, or a line is broken; the message names the line.
    """
    try:
        report = cast("dict[str, Any]", json.loads((directory / "report.json").read_text("utf-8")))
        form, dropped = report["format"], Counter[str](report["dropped"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{directory} is no dataset: {error!r}", remedy="Make one with `rlm-local train build`"
        ) from error
    samples = [sample for name in _SPLITS for sample in _read(directory / f"{name}.jsonl")]
    known = ("format", "kept", "dropped", "longest", "runs", "samples")
    return Dataset(form, tuple(samples), dropped, {key: value for key, value in report.items() if key not in known})


def gone(dataset: Dataset, store: RunStore) -> str:
    """A message about runs that the dataset was made from and that the log no longer has; empty if it has all."""
    missing = len(set(dataset.runs) - store.known(dataset.runs))
    if not missing:
        return ""
    return (
        f"{missing} of the {len(dataset.runs)} runs that the dataset was made from are not in the log any more: "
        "build it again, or it goes on teaching what was deleted"
    )


def _read(path: Path) -> list[Sample]:
    samples: list[Sample] = []
    try:
        lines = path.read_text("utf-8").splitlines()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error
    for number, line in enumerate(lines, 1):
        try:
            row = cast("dict[str, Any]", json.loads(line))
            for name in ("prompt_ids", "completion_ids", "rejected_ids"):
                row[name] = tuple(int(token) for token in row[name])
            row["runs"] = tuple(str(run) for run in row.get("runs", ()))
            samples.append(Sample(**row))
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"{path}, line {number} is no sample: {error!r}", remedy="Build it again") from error
    return samples


def _of(state: State, form: Format, dropped: Counter[str]) -> list[Sample]:
    """The samples of one state. If nothing came near to solving it, there are none: what failed cheapest is luck."""
    best = state.best
    if best is None:
        tried = any(each.why_not != TOO_DEAR for each in state.alternatives)
        solved = any(each.solved for each in state.alternatives)
        dropped["solved by luck" if solved else "solved by no alternative" if tried else TOO_DEAR] += 1
        return []
    if best.turn is None:
        dropped[f"best: {best.why_not}"] += 1
        return []
    wrong = [a for a in state.alternatives if a.turn and not a.solved and a.decision != best.decision]
    match form:
        case "sft":
            return [_sample(state, best)]
        case "grpo":
            return [_sample(state, best, completion_ids=())]
        case "kto":
            return [_sample(state, best), *(_sample(state, each, good=False) for each in wrong)]
        case "dpo":
            if not wrong:
                dropped["nothing else went wrong"] += 1
            return [_sample(state, best, each) for each in wrong]


def _sample(state: State, alternative: Alternative, rejected: Alternative | None = None, **changed: Any) -> Sample:
    turn = alternative.turn
    if turn is None:
        raise ValueError("an alternative without a turn is no sample")
    start = turn.start
    asked = str(start.messages[-1]["content"]) if start.messages else state.question
    values: dict[str, Any] = {
        "task": state.branch,
        "group": state.group,
        "split": state.split,
        "decision": alternative.decision,
        "prompt_ids": tuple(start.prompt_ids),
        "completion_ids": _completion(alternative),
        "rejected_ids": _completion(rejected) if rejected else (),
        "text": f"{asked}\n{start.text}",
        "runs": tuple(each.outcome.run_id for each in (alternative, rejected) if each),
    }
    return Sample(**{**values, **changed})


def _completion(alternative: Alternative) -> tuple[int, ...]:
    return tuple(alternative.turn.start.completion_ids) if alternative.turn else ()


def _once(samples: Sequence[Sample], dropped: Counter[str]) -> list[Sample]:
    """Keeps the first of samples with the same tokens."""
    seen: dict[tuple[Any, ...], Sample] = {}
    for sample in samples:
        seen.setdefault((sample.prompt_ids, sample.completion_ids, sample.rejected_ids), sample)
    dropped["twice"] += len(samples) - len(seen)
    return list(seen.values())


def _balanced(samples: Sequence[Sample], balance: float, dropped: Counter[str]) -> list[Sample]:
    """Keeps at most its share of training samples for each decision, drawn at random but repeatably."""
    train = [sample for sample in samples if sample.split == "train"]
    counts = Counter((sample.decision, sample.good) for sample in train)
    most = math.ceil(balance * len(train) / max(1, len(counts)))
    kept: list[Sample] = [sample for sample in samples if sample.split != "train"]
    taken: Counter[tuple[str, bool]] = Counter()
    for sample in sorted(train, key=lambda s: hashlib.sha256(f"{s.task} {s.decision}".encode()).digest()):
        taken[sample.decision, sample.good] += 1
        if taken[sample.decision, sample.good] <= most:
            kept.append(sample)
        else:
            dropped["more than its share"] += 1
    return kept


def _account(dropped: Counter[str]) -> str:
    return ", ".join(f"{count} {why}" for why, count in (+dropped).most_common()) or "nothing was collected"
