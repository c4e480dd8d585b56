"""The engine: the way of a question, from a State to an Answer. `node.py` is the main loop."""
