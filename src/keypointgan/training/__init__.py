"""The loop, one update of each network, and the record of a run."""
