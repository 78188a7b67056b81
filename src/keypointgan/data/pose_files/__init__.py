"""Readers of files of poses: a module a format, all of them to `Instances`."""
