"""The subcommands that this plugin adds to ``gath-bench``."""
