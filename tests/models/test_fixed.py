from pathlib import Path

import numpy as np

from rlm_local.models.shelf import Shelf
from tests.models.decoding import FakeDecoder, Reply, expected, run, scheduling


def test_a_fixed_prompt_is_loaded_at_the_next_start(tmp_path: Path):
    fixed, prompts = list(range(50)), [[*range(50), 60 + index] for index in range(3)]
    first, second, third = FakeDecoder(), FakeDecoder(), FakeDecoder()
    with scheduling(first, shelf=Shelf(tmp_path, b"a")) as scheduler:
        run(scheduler, [Reply(prompt, fixed=(len(fixed),)) for prompt in prompts])
    with scheduling(second, shelf=Shelf(tmp_path, b"a")) as scheduler:
        results = run(scheduler, [Reply(prompt, fixed=(len(fixed),)) for prompt in prompts])
    assert [written for written, _ in results] == [expected(prompt, 1) for prompt in prompts]
    assert sorted(token for tokens in second.decodes for token in tokens) == [60, 61, 62]
    with scheduling(third, shelf=Shelf(tmp_path, b"other weights")) as scheduler:
        run(scheduler, [Reply(prompts[0], fixed=(len(fixed),))])
    assert sum(map(len, third.decodes)) == 51


def test_kept_kv_that_does_not_load_is_evaluated(tmp_path: Path):
    shelf = Shelf(tmp_path, b"a")
    prompt = list(range(20))
    shelf.save(np.array(prompt, np.int32), b"too short")
    with scheduling(FakeDecoder(), shelf=shelf) as scheduler:
        [(written, usage)] = run(scheduler, [Reply([*prompt, 5], fixed=(20,))])
    assert written == expected([*prompt, 5], 1)
    assert usage.prompt_tokens == 21


def test_of_two_beginnings_the_longest_that_is_kept_is_loaded(tmp_path: Path):
    """A new collection finds the rules and cases, though its card was never seen."""
    rules, cards = list(range(50)), ([60, 61], [70, 71])
    decoders = [FakeDecoder() for _ in range(3)]
    for decoder, card in zip(decoders, (cards[0], cards[1], cards[0]), strict=True):
        with scheduling(decoder, shelf=Shelf(tmp_path, b"a")) as scheduler:
            [(written, _)] = run(scheduler, [Reply([*rules, *card, 80], fixed=(50, 52))])
        assert written == expected([*rules, *card, 80], 1)
    assert [sum(map(len, decoder.decodes)) for decoder in decoders] == [53, 3, 1]
