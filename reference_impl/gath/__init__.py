"""The reference implementation of GATH (arXiv 1803.07716): animate one portrait by AU coefficients.

Start with ``training/loop.py``, ``training/stages/adversarial.py`` (one training step) and ``networks/generator.py``.
"""
