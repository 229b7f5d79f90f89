"""``python -m gath_bench``: the same program, for ``torchrun -m gath_bench``."""

from gath_bench.cli.main import main

main()
