"""Rows back into records."""

from datetime import UTC, datetime
from typing import Any

from rlm_local.engine.answer import Answer
from rlm_local.log.database import Database
from rlm_local.log.record import (
    CallBatch,
    CallRecord,
    NodeRecord,
    NodeStart,
    RunRecord,
    RunStart,
    RunSummary,
    TurnEnd,
    TurnRecord,
    TurnStart,
)
from rlm_local.sqlite import Database as Connection
from rlm_local.sqlite import Row


class Reader:
    """Reads records in one transaction.

    Raises:
        StoreError: from every method, where a value is not what was written.
    """

    def __init__(self, database: Database, connection: Connection) -> None:
        self._db = database
        self._connection = connection

    def summary(self, run: Row) -> RunSummary:
        start = self._start(run)
        answer = self._answer(run)
        return RunSummary(
            run_id=run["run_id"],
            started=datetime.fromtimestamp(run["started"], UTC),
            question=start.question,
            said=start.said,
            follows=start.follows,
            task_id=start.task_id,
            model=start.model,
            policy=start.policy,
            ended=str(answer.ended) if answer else "unfinished",
            answer=answer,
        )

    def run(self, run: Row) -> RunRecord:
        return RunRecord(
            run_id=run["run_id"],
            started=datetime.fromtimestamp(run["started"], UTC),
            start=self._start(run),
            nodes=tuple(self._node(row) for row in self._rows("node", "run", run["id"])),
            answer=self._answer(run),
        )

    def node(self, run: Row, node: int) -> NodeRecord | None:
        """That node, where the run has it."""
        query = "SELECT * FROM node WHERE id = ? AND run = ?"
        row = self._connection.execute(query, (node, run["id"])).fetchone()
        return self._node(row) if row else None

    def _rows(self, table: str, column: str, value: int) -> list[Row]:
        query = f"SELECT * FROM {table} WHERE {column} = ? ORDER BY rowid"  # noqa: S608  (names are ours)
        return self._connection.execute(query, (value,)).fetchall()

    def _start(self, row: Row) -> RunStart:
        db = self._db
        return RunStart(
            question=db.get_text(row["question"]),
            task_id=None if row["task_id"] is None else db.get_text(row["task_id"]),
            sources=tuple(db.get_json(row["sources"])),
            context_sha256=row["context_sha256"],
            context_tokens=row["context_tokens"],
            documents=row["documents"],
            model=row["model"],
            model_sha256=row["model_sha256"],
            template_sha256=row["template_sha256"],
            prompt_version=row["prompt_version"],
            author=row["author"],
            policy=row["policy"],
            limits=db.get_json(row["limits"]),
            seed=row["seed"],
            price=row["price"],
            resumes=row["resumes"],
            answer_schema=self._json(row["answer_schema"]),
            follows=row["follows"],
            understood=self._json(row["understood"]),
            length=row["length"],
        )

    def _node(self, row: Row) -> NodeRecord:
        ends = self._rows("node_end", "node", row["id"])
        return NodeRecord(
            id=row["id"],
            start=NodeStart(
                question=self._db.get_text(row["question"]),
                parent=row["parent"],
                depth=row["depth"],
                turn=row["turn"],
                view=self._json(row["view"]),
                share=self._json(row["share"]),
            ),
            turns=tuple(self._turn(turn) for turn in self._rows("turn", "node", row["id"])),
            result=self._json(ends[0]["result"]) if ends else None,
        )

    def _json(self, digest: bytes | None) -> Any:
        """The value of a column that older runs do not have."""
        return None if digest is None else self._db.get_json(digest)

    def _turn(self, row: Row) -> TurnRecord:
        db = self._db
        ends = self._rows("turn_end", "turn", row["id"])
        return TurnRecord(
            id=row["id"],
            start=TurnStart(
                state=db.get_json(row["state"]),
                decision=db.get_json(row["decision"]),
                messages=db.get_list(row["messages"]),
                prefill=db.get_text(row["prefill"]),
                prompt_ids=db.get_ids(row["prompt_ids"]),
                completion_ids=db.get_ids(row["completion_ids"]),
                text=db.get_text(row["text"]),
                plan=db.get_json(row["plan"]),
                cell=db.get_text(row["cell"]),
                spent=self._json(row["spent"]),
                thought="" if row["thought"] is None else db.get_text(row["thought"]),
            ),
            batches=tuple(self._batch(batch) for batch in self._rows("batch", "turn", row["id"])),
            end=self._turn_end(ends[0]) if ends else None,
        )

    def _turn_end(self, row: Row) -> TurnEnd:
        error = None if row["error"] is None else self._db.get_text(row["error"])
        return TurnEnd(self._db.get_text(row["output"]), error, row["stopped"], row["seconds"])

    def _batch(self, row: Row) -> CallBatch:
        calls = tuple(self._call(call) for call in self._rows("call", "batch", row["id"]))
        return CallBatch(row["kind"], calls, row["seconds"])

    def _call(self, row: Row) -> CallRecord:
        db = self._db
        return CallRecord(
            messages=db.get_list(row["messages"]),
            prefill=db.get_text(row["prefill"]),
            options=tuple(db.get_json(row["options"])),
            result=db.get_json(row["result"]),
            prompt_tokens=row["prompt_tokens"],
            cached_tokens=row["cached_tokens"],
            completion_tokens=row["completion_tokens"],
        )

    def _answer(self, run: Row) -> Answer | None:
        rows = self._rows("answer", "run", run["id"])
        return Answer.of(self._db.get_json(rows[0]["data"])) if rows else None
