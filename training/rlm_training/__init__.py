"""Training a recursion policy from the engine's own log, on one machine, and loading it back.

collect -> build -> sft (dpo, kto, grpo) -> convert -> evaluate -> gate -> promote; `loop.py` does it all. The libraries
of the extra `train` are imported when a step needs them, see `libraries.py`.
"""
