"""How networks that learnt from ImageNet expect pictures in [0, 1] to be normalised."""

MEAN = (0.485, 0.456, 0.406)
"""Of red, green and blue, which is taken away."""
SPREAD = (0.229, 0.224, 0.225)
"""Their standard deviation, by which it is divided."""
