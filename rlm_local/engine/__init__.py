"""The engine: from a question to its answer. `node.py` is the main loop; `engine.py` is the public API."""
