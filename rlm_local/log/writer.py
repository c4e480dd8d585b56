"""One run as it is written, turn by turn."""

from collections.abc import Sequence

from rlm_local.engine.answer import Answer
from rlm_local.log.database import Database
from rlm_local.log.record import CallKind, CallRecord, Data, NodeStart, TurnStart


class RunLog:
    """Takes what happens in one run. Nodes of a tree may write at once, each from its own thread.

    What a method was given is on the disk when it returns.

    Raises:
        StoreError: from every method, where the file cannot be written; nothing of that call is kept.
    """

    def __init__(self, database: Database, row: int, run_id: str) -> None:
        self.run_id = run_id
        self._database = database
        self._row = row

    def node(self, start: NodeStart) -> int:
        """A new node of the tree. Returns its id, which its turns and its children name."""
        db = self._database
        with db.writing():
            row = (
                start.parent,
                start.depth,
                db.put_text(start.question),
                start.turn,
                db.put_json(start.view),
                db.put_json(start.share),
            )
            return db.insert("node", (None, self._row, *row))

    def end_node(self, node: int, ended: str, result: Data) -> None:
        """What a node came to."""
        with self._database.writing():
            self._database.insert("node_end", (node, ended, self._database.put_json(result)))

    def begin_turn(self, node: int, start: TurnStart) -> int:
        """A turn, before its cell runs. Returns its id."""
        db = self._database
        with db.writing():
            row = (
                db.put_json(start.state),
                db.put_json(start.decision),
                db.put_list(start.messages),
                db.put_text(start.prefill),
                db.put_ids(start.prompt_ids),
                db.put_ids(start.completion_ids),
                db.put_text(start.text),
                db.put_json(start.plan),
                db.put_text(start.cell),
                db.put_json(start.spent),
                db.put_text(start.thought),
            )
            return db.insert("turn", (None, node, *row))

    def calls(self, turn: int, kind: CallKind, calls: Sequence[CallRecord], seconds: float) -> None:
        """Leaf calls that one line of the turn's cell made together."""
        db = self._database
        with db.writing():
            batch = db.insert("batch", (None, turn, kind, seconds))
            for call in calls:
                row = (
                    db.put_list(call.messages),
                    db.put_text(call.prefill),
                    db.put_json(call.options),
                    db.put_json(call.result),
                    call.prompt_tokens,
                    call.cached_tokens,
                    call.completion_tokens,
                )
                db.insert("call", (None, batch, *row))

    def end_turn(self, turn: int, output: str, error: str | None, stopped: str | None, seconds: float) -> None:
        """What came of the turn's cell."""
        db = self._database
        with db.writing():
            traceback = None if error is None else db.put_text(error)
            db.insert("turn_end", (turn, db.put_text(output), traceback, stopped, seconds))

    def end(self, answer: "Answer") -> None:
        """The run's answer: once, at its end."""
        with self._database.writing():
            self._database.insert("answer", (self._row, str(answer.ended), self._database.put_json(answer.data())))
