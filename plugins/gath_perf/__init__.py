"""``gath-bench perf``: the speed of models and metrics over commits, measured with pytest-benchmark."""
