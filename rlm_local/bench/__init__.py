"""Benchmarks: tasks with known answers, and how an answer is scored."""
