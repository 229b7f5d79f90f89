"""Baseline models: the yardsticks of every table, and the door for systems outside Python."""
