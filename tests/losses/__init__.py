"""Tests of `keypointgan.losses`."""
