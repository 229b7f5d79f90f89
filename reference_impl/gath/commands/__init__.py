"""The subcommands of ``gath-bench`` that this plugin brings."""
