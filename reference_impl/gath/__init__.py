"""The reference implementation of GATH (arXiv 1803.07716): one portrait and AU coefficients in, that person out.

Start with ``trainer.py`` (one loop), ``stages/adversarial.py`` (one training step) and ``networks/generator.py``.
"""
