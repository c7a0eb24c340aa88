"""Training parameters: their types, bounds, defaults and schedules."""
