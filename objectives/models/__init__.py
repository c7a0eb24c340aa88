"""Models that are more than a sequence of layers, one file for each."""
