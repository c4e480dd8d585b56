"""What a cell has to work with over a collection. Whatever costs something, or ends the node, is a host call.

sql(query)                      rows of a SELECT; SQL's own judge(), classify(), extract(), answer() ask a model
<table>                         each table of records by its name: rows, with an attribute for each column
documents                       [Document(name, title, kind)], with .text, and what each says of itself: .author
context                         all documents' texts one after another: len, slices, find
search(words, k)                the k passages that speak of the words, best first
read(question, passages)        the answer that the passages give, or found=False
read_through(question, texts)   points of documents or rows that bear on a question, by child nodes; what they come to:
                                summed_up(question, points, length)
whether(value)                  yes or no: whether a result holds anything
places(query)                   where the rows or documents of a query stand, as evidence; it asks no model
llm_query, llm_query_batched    the paper's names (arXiv 2512.24601)
rlm_query, rlm_query_batched    the same to child nodes, about documents or texts
FINAL, FINAL_VAR, SHOW_VARS
answer                          {"content": "", "ready": False}: set ready, and the content is the answer
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from .database import Database
from .documents import Context, Document, Documents
from .errors import SqlError
from .row import Row, Rows
from .tables import Table
from .value import as_data, in_words, shaped, whether

_EVIDENCE = 20


class Passage(NamedTuple):
    """A stretch of a document; `start` and `end` are characters of `context`."""

    document: str
    heading: str
    place: str
    text: str
    start: int
    end: int

    def __str__(self) -> str:
        return f"<{self.document}{f', {self.place}' if self.place else ''}: {self.text}>"


class Reading(NamedTuple):
    """What `read` found: the answer, whether the passages state it, which do, and how likely it is right."""

    answer: str
    found: bool
    evidence: list[list[int]]
    sure: float

    @property
    def said(self) -> str:
        return f"the passages say: {self.answer}" if self.found else "the passages do not say"


class Result(str):
    """A child's answer: a str, as in the paper, that also knows its value and where it comes from.

    Attributes:
        value: the answer as data: a number, a list, or the text.
        found: False where the part does not say.
        evidence: the places that it rests on.
        ended: "answered", or what ended the child before: "budget", "error".
        part: the name of the part.
    """

    value: Any
    found: bool
    evidence: list[list[int]]
    ended: str
    part: str

    @classmethod
    def of(cls, reply: dict[str, Any]) -> "Result":
        result = cls(reply["answer"])
        for name in ("value", "found", "evidence", "ended", "part"):
            setattr(result, name, reply[name])
        return result


class Summary(NamedTuple):
    """What notes came to: the points, the text of them, and the places that it cites."""

    points: list[dict[str, Any]]
    text: str
    evidence: list[list[int]]


Part = Document | Passage | str
"""What a child may be asked about."""


class Tools:
    """The tools of one session.

    Args:
        call: the host call, `call(name, **arguments)`.
        database: the collection.
        only: ids of the documents that the node looks at; None for all.
    """

    def __init__(self, call: Callable[..., Any], database: Database, only: Iterable[int] | None = None) -> None:
        self.call, self.database = call, database
        self.documents = Documents(database.whole, only)
        self.namespace: dict[str, Any] = {}
        self._given: frozenset[str] = frozenset()

    def install(self, namespace: dict[str, Any]) -> None:
        """Give a namespace its tools."""
        self.namespace = namespace
        namespace.update({name: table for name, table in self._tables() if name.isidentifier()})
        namespace.update(
            documents=self.documents,
            context=Context(self.documents),
            sql=self.sql,
            SqlError=SqlError,
            search=self.search,
            read=self.read,
            places=self.places,
            whether=whether,
            llm_query=self.llm_query,
            llm_query_batched=self.llm_query_batched,
            take_notes=self.take_notes,
            read_through=self.read_through,
            summed_up=self.summed_up,
            rlm_query=self.rlm_query,
            rlm_query_batched=self.rlm_query_batched,
            FINAL=self.final,
            FINAL_VAR=self.final_var,
            SHOW_VARS=self.show_vars,
            answer={"content": "", "ready": False},
        )
        self._given = frozenset(namespace)

    def _tables(self) -> Iterable[tuple[str, Table]]:
        own = "SELECT COUNT(*) FROM sqlite_schema WHERE name IN ('table', 'column')"
        if self.database.whole(own)[0][0] < 2:  # a database that is no collection has no list of its tables
            return
        columns: dict[str, list[str]] = {}
        for table, name in map(tuple, self.database.whole('SELECT "table", name FROM "column" ORDER BY position')):
            columns.setdefault(table, []).append(name)
        for name, rows in map(tuple, self.database.whole('SELECT name, rows FROM "table"')):
            if name != "documents":
                yield name, Table(self.database.whole, name, tuple(columns.get(name, ())), rows)

    # ---- looking

    def sql(self, query: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> Rows:
        """The rows of a SELECT over the collection."""
        return self.database.sql(query, parameters)

    def search(self, words: str, k: int = 6) -> list[Passage]:
        """The passages that speak of the words, best first."""
        return [Passage(*reply) for reply in self.call("search", words=words, k=k)]

    def places(self, query: str) -> list[list[int]]:
        """Where the rows stand whose `_document`, `_start` and `_end` a query gives, or the documents that it names.

        A model is asked nothing more: of what it has not been asked about, its functions are NULL.
        """
        rows = self.database.looked_up(query)
        return self._spans(Rows([row for row in rows[:_EVIDENCE] if row[0] is not None], rows.columns))

    # ---- the model

    def read(self, question: str, passages: Iterable[Passage | Document], *, whole: bool = False) -> Reading:
        """The answer that the passages give; found is False where they do not state it.

        As many are read, best first, as a reading holds; `whole`: as the model's window holds.
        """
        spans = [[passage.start, passage.end] for passage in passages]
        reply = self.call("read", question=question, passages=spans, whole=whole)
        return Reading(reply["answer"], reply["found"], reply["evidence"], reply["sure"])

    def llm_query(self, prompt: str) -> str:
        """The model's reply to a prompt."""
        return self.llm_query_batched([prompt])[0]

    def llm_query_batched(self, prompts: Sequence[str]) -> list[str]:
        """The replies to several prompts, decoded together."""
        return self.call("llm_query", prompts=list(prompts)) if prompts else []

    def rlm_query(self, question: str, part: "Part | Iterable[Part] | None" = None) -> Result:
        """A child node's answer to a question about a document, several, or a text; by default about all documents."""
        return self.rlm_query_batched([question], [self.documents if part is None else part])[0]

    def rlm_query_batched(self, questions: str | Sequence[str], parts: Sequence[Any]) -> list[Result]:
        """Children's answers, one for each part; one question may stand for all. The batch is priced first."""
        asked = [questions] * len(parts) if isinstance(questions, str) else list(questions)
        if not parts:
            return []
        replies = self.call("rlm_query", questions=asked, parts=[_part(part) for part in parts])
        return [Result.of(reply) for reply in replies]

    # ---- notes

    def take_notes(self, question: str) -> list[dict[str, Any]]:
        """The points of all that the node looks at that help to answer the question; each has its places."""
        return self.call("take_notes", question=question)

    def read_through(self, question: str, texts: Iterable[Any]) -> list[dict[str, Any]]:
        """The points of documents, or of the rows of a query that gives `document`, or `_document`, `_start`, `_end`:
        children take notes of a part each, of a sample of them where all would cost too much."""
        spans = self._spans(texts)
        return self.call("read_through", question=question, spans=spans) if spans else []

    def _spans(self, texts: Iterable[Any]) -> list[list[int]]:
        if isinstance(texts, Rows) and "_start" in texts.columns:
            return [list(row[:3]) for row in texts]
        named = {document.name: document for document in self.documents}
        documents = (named.get(each[0]) if isinstance(each, Row) else each for each in texts)
        return [_span(document) for document in documents if document is not None]

    def summed_up(self, question: str, points: Sequence[dict[str, Any]], length: str) -> Summary:
        """What points come to, those that say the same as one: short, medium or long, or "points", one a line."""
        if not points:
            return Summary([], "", [])
        reply = self.call("summed_up", question=question, points=list(points), length=length)
        return Summary(reply["points"], reply["text"], reply["evidence"])

    # ---- endings

    def final(self, value: Any, evidence: Iterable[Any] = (), *, found: bool = True, said: str = "") -> None:
        """End the node with this answer; `evidence` are the places, passages or documents that it rests on, `said` its
        words where they are not the value's own."""
        spans = [_span(place) for place in list(evidence)[:_EVIDENCE]]
        answer = shaped(value)
        self.call("final", answer=said or in_words(answer), found=bool(found), evidence=spans, value=as_data(answer))

    def final_var(self, name: Any) -> None:
        """End the node with the value of a variable, given by its name, or itself."""
        if not isinstance(name, str) or name not in self.namespace:
            if isinstance(name, str) and name.isidentifier():
                raise NameError(f"FINAL_VAR: there is no variable {name!r}; there are {', '.join(self.show_vars())}")
            return self.final(name)
        return self.final(self.namespace[name])

    def poll_answer(self) -> None:
        """End the node if a cell has said `answer = {"content": ..., "ready": True}`."""
        answer = self.namespace.get("answer")
        if isinstance(answer, dict) and answer.get("ready"):  # pyright: ignore[reportUnknownMemberType]
            self.final(answer.get("content", ""))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]

    def show_vars(self) -> dict[str, str]:
        """The variables that cells have made, with their types."""
        own = {name: value for name, value in self.namespace.items() if name not in self._given and name[0] != "_"}
        return {name: type(value).__name__ for name, value in own.items()}


def _part(part: Any) -> dict[str, Any]:
    if isinstance(part, Document | Passage):
        label = part.name if isinstance(part, Document) else part.document
        return {"label": label, "spans": [[part.start, part.end]]}
    if isinstance(part, Documents | list | tuple) and all(isinstance(each, Document | Passage) for each in part):  # pyright: ignore[reportUnknownVariableType]
        return {"label": "", "spans": [[each.start, each.end] for each in part]}  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
    return {"label": "", "text": str(part)}  # pyright: ignore[reportUnknownArgumentType]


def _span(place: Any) -> list[int]:
    return [place.start, place.end] if isinstance(place, Passage | Document) else list(place)
