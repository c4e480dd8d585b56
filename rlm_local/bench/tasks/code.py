"""Python modules that nobody needs, some of whose functions mutate global state. Which, `ast` says."""

import ast
from collections.abc import Iterator
from random import Random

from rlm_local.bench.tasks.made import Made

CHARACTERS_PER_TOKEN = 3.64

_VERBS = "collect merge prepare split weigh trace sort confirm settle refine measure arrange convert inspect".split()
_KINDS = "daily cold pending local spare joint early bulk plain remote partial yearly double".split()
_THINGS = "ledger parcel ticket route sample invoice roster filter signal batch meter pallet voucher".split()
_PARTS = "rows totals labels limits entries names counts steps ranges weights dates".split()
_FUNCTIONS_A_MODULE = 24
_MOST_MUTATING = 8

_HEAD = '''"""{title}."""

_CACHE: dict[str, int] = {{}}
_SEEN: list[str] = []
_TOTAL = 0
_PENDING: set[str] = set()
_LIMIT = {limit}
'''
_MUTATES = """\
    global _TOTAL
    for {item} in {items}:
        _TOTAL += len({item})
    return _TOTAL > _LIMIT
---
    global _LIMIT
    if len({items}) > _LIMIT:
        _LIMIT = len({items})
    return _LIMIT
---
    for {item} in {items}:
        _CACHE[{item}] = _CACHE.get({item}, 0) + {n}
    return len(_CACHE)
---
    for {item} in {items}:
        if {item} not in _SEEN:
            _SEEN.append({item})
    return len(_SEEN)
---
    fresh = [{item} for {item} in {items} if {item}]
    _PENDING.update(fresh)
    return len(fresh)
""".split("---\n")
_DOES_NOT = """\
    return sum(_CACHE.get({item}, {n}) for {item} in {items})
---
    _SEEN = list({items})
    _SEEN.append("{item}")
    return len(_SEEN) - _LIMIT
---
    counts: dict[str, int] = {{}}
    for {item} in {items}:
        counts[{item}] = counts.get({item}, 0) + {n}
    return max(counts.values(), default=0)
---
    # the global total is left as it is
    total = _TOTAL
    for {item} in {items}:
        total += len({item})
    return total % {n}
---
    wanted = sorted({items}, key=len)[:{n}]
    return sum({item} in _PENDING for {item} in wanted)
---
    def step(known: set[str], {item}: str) -> int:
        known.add({item})
        return len(known)

    return step(set(_PENDING), "{item}") + len({items})
""".split("---\n")


def make(characters: int, rng: Random) -> Made:
    """Modules of some characters; up to eight functions, whatever the length, mutate global state."""
    names = _names(rng)
    bodies: list[tuple[str, str]] = []
    left = characters
    while left > 0:
        bodies.append(_function(next(names), rng.choice(_DOES_NOT), rng))
        left -= len(bodies[-1][1]) + (len(_HEAD) + 20) // _FUNCTIONS_A_MODULE
    for place in rng.sample(range(len(bodies)), min(_MOST_MUTATING, len(bodies), rng.randint(3, _MOST_MUTATING))):
        bodies[place] = _function(bodies[place][0], rng.choice(_MUTATES), rng)
    documents: dict[str, str] = {}
    for number, start in enumerate(range(0, len(bodies), _FUNCTIONS_A_MODULE), 1):
        own = bodies[start : start + _FUNCTIONS_A_MODULE]
        head = _HEAD.format(
            title=f"Part {number}: {rng.choice(_THINGS)} {rng.choice(_PARTS)}", limit=rng.randint(9, 99)
        )
        documents[f"warehouse/part_{number:05}.py"] = "\n\n".join([head, *(text for _, text in own)])
    answer = tuple(name for text in documents.values() for name in mutators(text))
    question = (
        "Which functions mutate global state, that is, rebind a variable of their module or change what it holds?"
    )
    return Made(documents, question, "set", answer)


def mutators(source: str) -> list[str]:
    """The functions of a module that rebind one of its variables or change it in place, in order.

    In place: an item or attribute that is assigned or deleted, or a method of lists, dicts and sets that changes them.
    """
    tree = ast.parse(source)
    plain = [node for node in tree.body if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)]
    shared = {name for node in plain for name in _stored(node)}
    return [node.name for node in tree.body if isinstance(node, ast.FunctionDef) and _mutates(node, shared)]


_CHANGING = frozenset(
    "append extend insert remove pop clear sort reverse update setdefault popitem add discard".split()
)


def _mutates(function: ast.FunctionDef, shared: set[str]) -> bool:
    nodes = list(ast.walk(function))
    declared = {name for node in nodes if isinstance(node, ast.Global) for name in node.names}
    stored = _stored(function)
    local = stored | {node.arg for node in nodes if isinstance(node, ast.arg)}
    outer = shared - (local - declared)
    if stored & declared:
        return True
    for node in nodes:
        match node:
            case ast.Subscript(ctx=ast.Store() | ast.Del()) | ast.Attribute(ctx=ast.Store() | ast.Del()):
                changed = node
            case ast.Call(func=ast.Attribute(attr=method) as changed) if method in _CHANGING:
                pass
            case _:
                continue
        if _base(changed) in outer:
            return True
    return False


def _base(node: ast.expr) -> str:
    while isinstance(node, ast.Subscript | ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _stored(tree: ast.AST) -> set[str]:
    """The plain names that are assigned or deleted anywhere in a tree."""
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)}


def _function(name: str, body: str, rng: Random) -> tuple[str, str]:
    thing = name.split("_")[2]
    body = body.format(item=thing, items=f"{thing}s", n=rng.randint(2, 9))
    return name, f"def {name}({thing}s: list[str]) -> int:\n{body}"


def _names(rng: Random) -> Iterator[str]:
    """Names that differ, first without a number, then with one."""
    every = [f"{v}_{k}_{t}_{p}" for v in _VERBS for k in _KINDS for t in _THINGS for p in _PARTS]
    rng.shuffle(every)
    yield from every
    number = 2
    while True:
        yield from (f"{name}_{number}" for name in every)
        number += 1
