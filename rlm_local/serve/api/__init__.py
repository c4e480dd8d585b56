"""The server's own API: runs as they go on and as they were, documents behind evidence, health."""
