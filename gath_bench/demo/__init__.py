"""``gath-bench demo``: a page in the browser that animates a photo by sliders, one per action unit.

- `handlers`: what the page does, without a user interface: open a photo, show an expression, read its AUs back, write
  files. Pictures come from `gath_bench.animation`.
- `content`: texts and tables of the page.
- `page`: the page in Gradio, and its server on the loopback interface.
"""
