"""What an answer rests on is read from the log of any version."""

from dataclasses import asdict

from rlm_local.engine.answer import Basis


def test_it_is_what_was_logged() -> None:
    basis = Basis(items=7, judged=2, sure=0.9, low=1.0, high=3.0)
    assert Basis.of(asdict(basis)) == basis


def test_what_another_version_had_besides_is_left_out() -> None:
    assert Basis.of({"items": 7, "confidence": 0.9}) == Basis(items=7)
