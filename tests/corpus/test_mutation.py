"""Which functions change global state."""

import ast
from random import Random
from textwrap import dedent

import pytest

from rlm_local.bench.tasks import code
from rlm_local.corpus import Corpus
from rlm_local.corpus.mutation import mutators

HEAD = "import sys\nSEEN = []\nBY_NAME = {}\ntotal = 0\n\n"


def changing(source: str) -> list[str]:
    return sorted(function.name for function in mutators(ast.parse(HEAD + dedent(source))))


@pytest.mark.parametrize(
    "body",
    [
        "global total; total = 1",
        "global total; total += 1",
        "global total; del total",
        "global fresh; fresh = 1",
        "SEEN.append(1)",
        "SEEN[0] = 1",
        "del BY_NAME['a']",
        "BY_NAME['a']['b'].update(x=1)",
        "BY_NAME.setdefault('a', []).append(1)",
        "SEEN.kept = True",
        "return [SEEN.pop() for _ in range(3)]",
    ],
)
def test_rebinding_and_changing_in_place_are_seen(body: str) -> None:
    assert changing(f"def f():\n    {body}\n") == ["f"]


@pytest.mark.parametrize(
    "body",
    [
        "global total; return total",
        "total = 1",
        "SEEN = []; SEEN.append(1)",
        "return BY_NAME.get('a')",
        "own = {}; own['a'] = 1; own.update(SEEN)",
        "'global total'",
        "sys.path.append('.')",
    ],
)
def test_what_a_function_has_for_itself_is_not_global(body: str) -> None:
    assert changing(f"def f():\n    {body}\n") == []


def test_an_argument_hides_the_modules_variable() -> None:
    assert changing("def f(SEEN, *BY_NAME):\n    SEEN.append(1)\n    BY_NAME[0] = 1\n") == []


def test_a_change_counts_for_every_function_around_it() -> None:
    source = """
        class Store:
            def put(self):
                def later():
                    SEEN.append(1)
                return later

            def get(self):
                seen = []
                def later(SEEN):
                    SEEN.append(1)
        """
    assert changing(source) == ["later", "put"]


def test_functions_have_it_as_a_field() -> None:
    made = code.make(12_000, Random(3))
    [functions] = [items for items in Corpus.from_documents(made.documents).item_sets if items.kind == "functions"]
    fields = {field.name: field.values for field in functions.fields}
    pairs = zip(fields["name"], fields["mutates_global_state"], strict=True)
    assert [name for name, changes in pairs if changes == "true"] == list(made.answer)  # type: ignore[arg-type]
