"""One reader for each public data set."""
