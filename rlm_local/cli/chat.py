"""`rlm-local chat`: one question after another over the same documents; each may be a follow-up to those before it."""

import json
import sys
from collections.abc import Callable, Generator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rlm_local.cli.interrupt import cancellable, interruptible
from rlm_local.cli.progress import progress
from rlm_local.cli.run import print_answer
from rlm_local.cli.shared import (
    ContextOption,
    Loading,
    MaxCallsOption,
    MaxTokensOption,
    ModelOption,
    PolicyOption,
    PriceOption,
    TimeoutOption,
    WallsOption,
    open_engine,
    shared,
)
from rlm_local.cli.terminal import complain
from rlm_local.cli.walls import look_at_walls
from rlm_local.errors import UsageError

if TYPE_CHECKING:
    from rlm_local.engine.answer import Answer
    from rlm_local.engine.conversation import Exchange

_PROMPT = "> "
_HELP = """\
Ask; what you ask next may be a follow-up: "and in 2023?", "only the overdue ones", "who wrote that?".
/as QUESTION  ask this in place of what the last question was understood as
/new          forget what was asked so far
/help         this
/quit         end; so does Ctrl-D. Ctrl-C stops an answer, and the chat goes on
"""


def chat(
    ctx: typer.Context,
    paths: Annotated[list[str], typer.Argument(metavar="PATH", help="Files and folders.")],
    model: ModelOption = None,
    context: ContextOption = None,
    policy: PolicyOption = None,
    price: PriceOption = None,
    max_tokens: MaxTokensOption = None,
    max_calls: MaxCallsOption = None,
    timeout: TimeoutOption = None,
    require_walls: WallsOption = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a line of JSON for each question.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show each cell and what it prints.")] = False,
) -> None:
    """Ask one question after another over files and folders.

    \b
    rlm-local chat records/
    > How many visits were cancelled in 2024?
    > and in 2023?
    > only those of Surgery

    A follow-up is rewritten into a question that stands alone, which is shown; if it was misunderstood, say it better
    with /as. The model and the documents stay loaded. Each line of stdin is a question. Typed lines are remembered
    until the chat ends; the log of runs keeps each question, and which one it follows.

    Ctrl-C stops an answer, Ctrl-D ends the chat. Limits apply to each question.
    """
    from rlm_local.engine.records import opened

    use = shared(ctx)
    if "-" in paths:
        raise UsageError("standard input is where the questions come from", remedy="Give the documents as a file")
    look_at_walls(use, required=require_walls)
    with ExitStack() as stack:
        with progress() as listener:
            engine = stack.enter_context(open_engine(ctx, Loading(model, context), listener))
            with interruptible():
                records = stack.enter_context(opened(paths, home=use.home, tell=listener))

        def ask(question: str, follows: str | None, before: "tuple[Exchange, ...] | None") -> "Answer":
            with progress(verbose=verbose) as told:
                return cancellable(
                    lambda cancel: engine.ask(
                        question,
                        records,
                        policy=policy,
                        price=price,
                        max_tokens=max_tokens,
                        max_calls=max_calls,
                        timeout=timeout,
                        follows=follows,
                        before=before,
                        cancel=cancel,
                        listener=told,
                    )
                )

        talk = Talk(ask, as_json=as_json)
        for line in _lines():
            if not talk.hear(line):
                break


def _lines() -> Generator[str]:
    """What is typed, or piped in, line by line; Ctrl-C at the prompt only drops what stands there."""
    if not sys.stdin.isatty():
        sys.stdin.reconfigure(errors="replace")  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
        yield from sys.stdin
        return
    import readline  # pyright: ignore[reportUnusedImport]  # noqa: F401  (input() edits with it; nothing is written down)

    while True:
        try:
            yield input(_PROMPT)
        except EOFError:
            sys.stderr.write("\n")
            return
        except KeyboardInterrupt:
            sys.stderr.write("\n")


@dataclass
class Talk:
    """A conversation.

    Args:
        ask: a question, the run that it follows, and what was asked before it: as for `Engine.ask`.
    """

    ask: "Callable[[str, str | None, tuple[Exchange, ...] | None], Answer]"
    as_json: bool
    _last: str | None = None
    """The run that the next question follows, and the one that this one followed."""

    _before_last: str | None = None

    def hear(self, line: str) -> bool:
        """Do what a line says; whether the chat goes on."""
        line = line.strip()
        command, _, rest = line.partition(" ")
        match command:
            case "":
                pass
            case "/quit":
                return False
            case "/help":
                sys.stderr.write(_HELP)
            case "/new":
                self._last = None
            case "/as" if rest.strip():
                self._ask(rest.strip(), self._before_last if self._last else None, exactly=True)
            case "/as":
                complain("/as is followed by the question as you mean it")
            case _ if command.startswith("/") and command[1:].isalpha():
                complain(f"there is no {command}; /help says what there is")
            case _:
                self._ask(line, self._last)
        return True

    def _ask(self, said: str, follows: str | None, *, exactly: bool = False) -> None:
        from rlm_local.errors import RlmLocalError
        from rlm_sandbox import SandboxError

        try:
            answer = self.ask(said, follows, () if exactly else None)
        except (RlmLocalError, SandboxError) as error:
            complain(str(error))
            if self.as_json:
                _write({"said": said, "error": str(error)})
            return
        self._last, self._before_last = answer.run_id, follows
        if self.as_json:
            _write({**answer.data(), "said": said, "follows": follows})
        else:
            print_answer(answer, sys.stdout, sys.stderr)
        if answer.error:
            complain(answer.error)


def _write(line: dict[str, Any]) -> None:
    sys.stdout.write(f"{json.dumps(line)}\n")
    sys.stdout.flush()
