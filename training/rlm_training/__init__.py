"""Training a recursion policy from the engine's own log. Nothing is here yet; the log holds what it will read."""
