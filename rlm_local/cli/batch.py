"""`rlm-local batch`: many questions, one model load, one line of JSON for each."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from rlm_local.cli.interrupt import CANCELLED, cancellable
from rlm_local.cli.progress import progress
from rlm_local.cli.shared import (
    AuthorOption,
    ContextOption,
    Loading,
    MaxCallsOption,
    MaxTokensOption,
    ModelOption,
    PolicyOption,
    PriceOption,
    SchemaOption,
    TimeoutOption,
    open_engine,
    read_schema,
)
from rlm_local.errors import UsageError

if TYPE_CHECKING:
    from rlm_local.engine.answer import Answer
    from rlm_local.models import Cancel


@dataclass(frozen=True)
class Task:
    """A line of a tasks file; `broken` says why it is none, and is empty otherwise."""

    id: str
    question: str = ""
    paths: tuple[Path, ...] = ()
    broken: str = ""


def batch(
    ctx: typer.Context,
    tasks: Annotated[Path, typer.Argument(metavar="TASKS.jsonl", help="The questions.", exists=True, dir_okay=False)],
    out: Annotated[Path, typer.Option("--out", metavar="ANSWERS.jsonl", help="Where the answers go.")],
    model: ModelOption = None,
    context: ContextOption = None,
    author: AuthorOption = None,
    policy: PolicyOption = None,
    price: PriceOption = None,
    schema: SchemaOption = None,
    max_tokens: MaxTokensOption = None,
    max_calls: MaxCallsOption = None,
    timeout: TimeoutOption = None,
) -> None:
    """Answer many questions with one load of the model.

    \b
    {"id": "q1", "question": "How many visits were cancelled?", "paths": ["records/visits"]}

    is a line of TASKS.jsonl; its paths are relative to that file. Each line of ANSWERS.jsonl is what `run --json` would
    print, with the task's id. Limits apply to each task.

    Each answer is on the disk before the next task starts. The same command, run again, continues with the tasks that
    have no answer yet. For a line that is not a task, or a task that fails, the answer has "ended": "error".

    Exit status: 0 all answered, 3 some partial, 1 some failed, 2 usage, 130 cancelled.
    """
    from rlm_local.log.lines import LineFile

    todo, form = list(read_tasks(tasks)), read_schema(schema)
    with LineFile(out) as answers:
        done = {row.get("id") for row in answers.rows}
        todo = [task for task in todo if task.id not in done]
        if not todo:
            return
        endings: set[str] = set()
        with progress() as listener, open_engine(ctx, Loading(model, context), listener) as engine:

            def answer(task: Task, cancel: "Cancel") -> "Answer":
                if task.broken:
                    return failed(task, task.broken)
                return engine.ask(
                    task.question,
                    task.paths,
                    author=author.value if author else None,
                    policy=policy,
                    price=price,
                    schema=form,
                    max_tokens=max_tokens,
                    max_calls=max_calls,
                    timeout=timeout,
                    task_id=task.id,
                    cancel=cancel,
                )

            def work(cancel: "Cancel") -> None:
                for number, task in enumerate(todo):
                    listener.count(number, len(todo))
                    try:
                        result = answer(task, cancel)
                    except Exception as error:  # noqa: BLE001  (a batch outlives whatever breaks one of its tasks)
                        result = failed(task, str(error) or repr(error))
                    endings.add(result.ended)
                    if cancel.cancelled:  # what was cut short is asked again next time
                        return
                    answers.append({"id": task.id, **result.data()})
                    listener.note(f"{task.id}: {result.ended}{' · ' if result.error else ''}{result.error}")

            cancellable(work)
    raise typer.Exit(_exit_status(endings))


def read_tasks(path: Path) -> Iterator[Task]:
    """The tasks of a JSON Lines file, with a broken task for each line that is none.

    Raises:
        UsageError: the file cannot be read, or two tasks have one id.
    """
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}") from error
    seen: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        task = _task(line, path, number)
        if task.id in seen:
            raise UsageError(f"{path}, line {number} has the id of line {seen[task.id]}: {task.id}")
        seen[task.id] = number
        yield task


def _task(line: bytes, path: Path, number: int) -> Task:
    place = f"{path}, line {number}"
    try:
        row = json.loads(line)
    except ValueError as error:
        return Task(f"line {number}", broken=f"{place} is not JSON: {error}")
    if not isinstance(row, dict):
        return Task(f"line {number}", broken=f"{place} is not a JSON object")
    fields = cast("dict[str, Any]", row)
    identity, question, paths = fields.get("id", f"line {number}"), fields.get("question"), fields.get("paths")
    if not isinstance(identity, str | int):
        return Task(f"line {number}", broken=f"{place}: the id is not a string")
    if not isinstance(question, str):
        return Task(str(identity), broken=f"{place}: the question is missing")
    if not isinstance(paths, list) or not all(isinstance(item, str) for item in cast("list[Any]", paths)):
        return Task(str(identity), question, broken=f"{place}: the paths are not a list of strings")
    return Task(str(identity), question, tuple(path.parent / item for item in cast("list[str]", paths)))


def failed(task: Task, error: str) -> "Answer":
    from rlm_local.engine.answer import Answer, Ended, Usage

    return Answer("", task.question, "", False, Ended.ERROR, (), Usage(nodes=0), "", "", error)


def _exit_status(endings: set[str]) -> int:
    if "cancelled" in endings:
        return CANCELLED
    if "error" in endings:
        return 1
    return 0 if endings <= {"answered"} else 3
