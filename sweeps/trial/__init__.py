"""A trial: its metric, why it ended, what its worker is given, its files."""
