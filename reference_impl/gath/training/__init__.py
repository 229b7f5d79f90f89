"""Training of the four networks. Start with ``loop.py``, then ``stages/adversarial.py``."""
