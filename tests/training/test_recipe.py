"""The small recipe, for real: smallest model, real engine and sandbox, from no log to a policy that is judged.

The smallest model can tell what stands in a table from what stands in a text, once it has learned to, and reads; SQL is
beyond it. So a teacher writes that, and what is learned is the look and the teacher's programs.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

for _name in ("torch", "transformers", "trl", "peft", "gguf"):
    pytest.importorskip(_name, reason="the extra `train` is not installed")

from rlm_local.engine.authors.prompt import OPENING  # noqa: E402
from rlm_local.home import Home  # noqa: E402
from rlm_local.models import Cancel, Cancelled, Generation, Model, Prompt, Usage  # noqa: E402
from rlm_policy import NotBetterError, Policies  # noqa: E402
from rlm_training.loop import Loop  # noqa: E402
from rlm_training.settings import Settings  # noqa: E402
from rlm_training.steer import steerable  # noqa: E402
from rlm_training.tasks import read_tasks  # noqa: E402
from rlm_training.trained import read_trained  # noqa: E402

BRANCHES = ("Harbour", "Hill", "Abbey", "Mill", "Orchard")
DAYS = {"Ladders": "Monday", "Tents": "Tuesday", "Maps": "Thursday", "Films": "Friday", "Boats": "Saturday"}
COUNTED = (
    "How many loans are there at the {} branch?",
    "Count the loans of {}.",
    "What is the number of loans that {} has made?",
    "How often has something been lent at {}?",
    "At {}, how many loans were made in all?",
)
READ = (
    "On which day are {} returned?",
    "When do people bring back {}?",
    "Which day is for the return of {}?",
    "By what day does one have to give back {}?",
    "On what day of the week do {} come back?",
)


class Teacher:
    """The model, but the SQL for a question is written for it, in its own tokens; other programs come to nothing."""

    def __init__(self, model: Model) -> None:
        self._model = steerable(model)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def generate(self, prompts: Sequence[Prompt], **how: Any) -> list[Generation]:
        if not all(prompt.prefill.startswith(OPENING) for prompt in prompts):
            return self._model.generate(prompts, **how)
        return [self._written(prompt) for prompt in prompts]

    def _written(self, prompt: Prompt) -> Generation:
        asked = prompt.messages[-1].content
        branch = next((branch for branch in BRANCHES if f" {branch}" in asked), "")
        text = (
            f"SELECT COUNT(*) FROM loans WHERE branch = '{branch}'"
            if "tables" in prompt.prefill
            else "SELECT 1 FROM no"
        )
        begun, all_ = (self._model.encode(replace(prompt, prefill=prompt.prefill + more)) for more in ("", text))
        return Generation(
            text, all_[len(begun) :], begun, -1.0, "stop", Usage(completion_tokens=len(all_) - len(begun))
        )


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Weights and image are those of all tests; log, bases and policies are new."""
    kept, state = Home.default(), tmp_path / "home"
    state.mkdir()
    for name in ("models", "image"):
        (state / name).symlink_to(kept.root / name)
    return Home(state)


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    """Questions of ten wordings about one folder: half have their answer in a table, half in a text."""
    folder = tmp_path / "library"
    folder.mkdir()
    loans = [f"L-{n:03},{BRANCHES[n * n % 7 % len(BRANCHES)]},{n % 9 + 1}" for n in range(120)]
    (folder / "loans.csv").write_text("\n".join(["loan,branch,days", *loans]) + "\n")
    rules = "\n\n".join(f"{what} are returned on a {day}, at the desk by the door." for what, day in DAYS.items())
    (folder / "rules.txt").write_text(rules + "\n\nNobody eats at the desk." * 400)
    lines: list[dict[str, object]] = []
    for wordings, values in ((COUNTED, BRANCHES), (READ, tuple(DAYS))):
        for wording in wordings:
            for value in values:
                count = sum(f",{value}," in loan for loan in loans)
                known = (
                    {"scorer": "text", "answer": DAYS[value]}
                    if value in DAYS
                    else {"scorer": "number", "answer": count}
                )
                question = wording.format(value if value in BRANCHES else value.lower())
                about = {"id": f"task {len(lines)}", "kind": "made", "paths": ["library"], "group": wording}
                lines.append({**about, "question": question, **known})
    file = tmp_path / "questions.jsonl"
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return file


@pytest.mark.slow
def test_the_small_recipe_learns_to_decide_though_it_is_stopped_at_each_step(home: Home, questions: Path) -> None:
    told: list[str] = []
    cancel, stop = Cancel(), ""

    def tell(text: str) -> None:
        print(text, flush=True)
        told.append(text)
        if stop and text.startswith(stop):
            cancel.cancel()

    tasks = list(read_tasks([questions], 0.3, home))
    loop = Loop(
        name="small",
        model="smollm2-135m",
        home=home,
        tasks=lambda: tasks,
        tell=tell,
        settings=Settings(learning_rate=5e-4, evaluations=4, epochs=8),
        lead=lambda model: cast("Model", Teacher(model)),
    )
    for stop in ("3 of", "step 0:", "task "):  # noqa: B007  (`tell` reads it)
        cancel = Cancel()
        with pytest.raises(Cancelled):
            loop.run(cancel)
    cancel, stop = Cancel(), ""
    try:
        artifact = loop.run(cancel)
    except NotBetterError:
        artifact = Policies(home.policies).get("small")
    trained = read_trained(loop.folder / "sft")
    assert trained
    assert trained.best.accuracy >= max(0.75, trained.curve[0].accuracy + 0.1)
    assert artifact.manifest.provenance["divergence_from_peft"] < 1e-4
    assert artifact.report
    assert artifact.report.valid >= 0.95
    assert artifact.report.score.mean > 0
    assert sum(text.startswith(f"{len(tasks)} of {len(tasks)}") for text in told) == 1
