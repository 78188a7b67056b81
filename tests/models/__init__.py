"""Tests of `keypointgan.models`."""
