"""Data sets, one file each, over shared ways of finding files and splitting rows."""
