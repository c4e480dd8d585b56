import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlm_local.engine.budget import Budget, Limits, Price, Refused
from rlm_local.models import Usage


@dataclass(frozen=True)
class Batch:
    """What a batch reserves, how much of that it uses, and whether it breaks."""

    price: Price
    share: float
    breaks: bool


class BrokeError(Exception):
    pass


batches = st.builds(
    Batch,
    st.builds(Price, st.integers(0, 400), st.integers(0, 12)),
    st.floats(0, 1),
    st.booleans(),
)
limits = st.builds(Limits, st.integers(1, 1000), st.integers(1, 30))


def spend(budget: Budget, batch: Batch) -> Price:
    """Reserve, use a share and perhaps break; returns what was used."""
    used = Price(int(batch.price.tokens * batch.share), int(batch.price.calls * batch.share))
    try:
        with budget.reserve(batch.price) as receipt:
            receipt.tokens = Usage(prompt_tokens=used.tokens // 2, completion_tokens=used.tokens - used.tokens // 2)
            receipt.calls = used.calls
            assert budget.left.tokens >= 0
            assert budget.left.calls >= 0
            if batch.breaks:
                raise BrokeError
    except Refused:
        return Price(0, 0)
    except BrokeError:
        pass
    return used


@given(limits, st.lists(batches, max_size=20))
def test_batches_never_overshoot_and_what_they_hold_comes_back(limits: Limits, batches: list[Batch]) -> None:
    budget = Budget(limits)
    used = [spend(budget, batch) for batch in batches]
    tokens, calls = sum(u.tokens for u in used), sum(u.calls for u in used)
    assert budget.left == Price(limits.tokens - tokens, limits.calls - calls, limits.nodes)
    assert budget.spent.prompt_tokens + budget.spent.completion_tokens == tokens <= limits.tokens
    assert budget.calls == calls <= limits.calls


@given(limits, st.lists(batches, max_size=6))
def test_nested_batches_share_one_ledger(limits: Limits, batches: list[Batch]) -> None:
    budget = Budget(limits)

    def nest(rest: list[Batch]) -> None:
        if not rest:
            return
        before, price = budget.left, rest[0].price
        with suppress(Refused), budget.reserve(price):
            assert budget.left == before - price
            assert min(budget.left.tokens, budget.left.calls) >= 0
            nest(rest[1:])

    nest(batches)
    assert budget.left == Price(limits.tokens, limits.calls, limits.nodes)


def test_threads_share_one_ledger() -> None:
    budget = Budget(Limits(tokens=1000, calls=1000))
    together = threading.Barrier(4)

    def work(seed: int) -> int:
        together.wait(10)
        return sum(spend(budget, Batch(Price((seed + n) % 37, 1), 1.0, breaks=n % 5 == 0)).tokens for n in range(200))

    with ThreadPoolExecutor(4) as pool:
        used = sum(pool.map(work, range(4)))
    assert 900 < used <= 1000
    assert budget.calls == budget.limits.calls - budget.left.calls
    assert budget.left.tokens == 1000 - used


def test_a_refusal_carries_the_price_and_what_is_left_and_holds_nothing() -> None:
    budget = Budget(Limits(tokens=100, calls=3))
    with (
        pytest.raises(Refused, match=r"700 tokens in 2 calls; 100 tokens and 3 calls") as refused,
        budget.reserve(Price(700, 2)),
    ):
        pass
    assert (refused.value.price, refused.value.left) == (Price(700, 2), Price(100, 3, 256))
    assert budget.left == Price(100, 3, 256)


def test_the_deadline_is_the_limit_of_seconds_after_the_start() -> None:
    budget = Budget(Limits(seconds=60))
    assert budget.deadline == budget.started + 60
    assert 0 <= budget.seconds < 60


@dataclass(frozen=True)
class Branch:
    """A node of a tree: batches of its own, and children with shares of its ledger."""

    batches: list[Batch]
    children: list["Branch"]
    prices: list[Price]
    breaks: bool


prices = st.builds(Price, st.integers(0, 300), st.integers(0, 9), st.integers(0, 6))
leaves = st.builds(Branch, st.lists(batches, max_size=3), st.just([]), st.just([]), st.booleans())
trees = st.recursive(
    leaves,
    lambda below: st.lists(below, max_size=3).flatmap(
        lambda children: st.builds(
            Branch,
            st.lists(batches, max_size=2),
            st.just(children),
            st.lists(prices, min_size=len(children), max_size=len(children)),
            st.booleans(),
        )
    ),
    max_leaves=12,
)


def grow(budget: Budget, branch: Branch, cancelled: threading.Event, cancel_at: int, steps: list[int]) -> None:
    """Work as a node does: batches, and children at the same time; at one of the steps everything is cancelled."""
    with budget.reserve(Price(0, 0, 1)) as receipt:
        receipt.nodes = 1
    for batch in branch.batches:
        steps.append(1)
        if len(steps) == cancel_at:
            cancelled.set()
        if cancelled.is_set():
            raise BrokeError
        spend(budget, batch)
        assert min(budget.left.tokens, budget.left.calls, budget.left.nodes) >= 0
    if branch.children:
        with suppress(Refused), budget.shares(branch.prices) as shares, ThreadPoolExecutor(3) as pool:
            ended = [
                pool.submit(grow, share, child, cancelled, cancel_at, steps)
                for share, child in zip(shares, branch.children, strict=True)
            ]
            assert min(budget.left.tokens, budget.left.calls, budget.left.nodes) >= 0
            failures = [future.exception() for future in ended]
            assert all(failure is None or isinstance(failure, BrokeError | Refused) for failure in failures)
    if branch.breaks:
        raise BrokeError


@given(limits, trees, st.integers(0, 30))
def test_no_tree_overshoots_whatever_fails_or_is_cancelled_and_all_that_is_held_comes_back(
    limits: Limits, tree: Branch, cancel_at: int
) -> None:
    budget = Budget(limits)
    with suppress(BrokeError, Refused):
        grow(budget, tree, threading.Event(), cancel_at, [])
    spent = Price(budget.spent.prompt_tokens + budget.spent.completion_tokens, budget.calls, budget.nodes)
    whole = Price(limits.tokens, limits.calls, limits.nodes)
    assert spent.within(whole)
    assert budget.left == whole - spent


def test_shares_are_refused_together_and_a_child_cannot_take_anothers() -> None:
    budget = Budget(Limits(tokens=100, calls=10))
    with pytest.raises(Refused), budget.shares([Price(60, 1), Price(60, 1)]):
        pass
    assert budget.left == Price(100, 10, 256)
    with budget.shares([Price(60, 1, 1), Price(30, 1, 1)]) as (one, other):
        with pytest.raises(Refused), other.reserve(Price(31, 1)):
            pass
        with one.reserve(Price(60, 1)) as receipt:
            receipt.tokens, receipt.calls = Usage(prompt_tokens=20), 1
        assert budget.left == Price(10, 8, 254)
    assert budget.left == Price(80, 9, 256)
