"""The web page: keypoints of pictures and videos, and a look at models, priors and runs.

Only `page` imports Gradio; what the page shows is made by the other modules, which can be used
without it.
"""
