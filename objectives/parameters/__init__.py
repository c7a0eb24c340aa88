"""Parameters of a training: their kinds, bounds, defaults and schedules."""
