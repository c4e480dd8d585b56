"""Trains policies from the engine's own log, on one machine.

The steps are collect, build, sft (then dpo, kto or grpo), convert, evaluate and promote; `loop.py` runs all of them.
The libraries of the extra `train` are imported when a step needs them (`libraries.py`).
"""
