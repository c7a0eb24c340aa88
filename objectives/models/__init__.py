"""Models that are more than a row of layers, one file each."""
