"""Schedules, which pause and continue trials: they decide which trial is trained next, and for how many rounds."""
