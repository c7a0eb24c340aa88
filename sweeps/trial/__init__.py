"""A trial: its metric, why it ended, what its worker receives, its files."""
