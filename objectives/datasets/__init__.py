"""Data sets, one file for each; how files are found, downloaded and cached."""
