"""Functions from what the networks say to scalars."""
