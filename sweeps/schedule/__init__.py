"""Schedules: which trial is trained next, and for how many rounds, where trials pause and go on."""
