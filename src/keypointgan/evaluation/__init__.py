"""Errors, and how each benchmark is scored."""
