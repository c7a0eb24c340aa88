"""A study: its specification, how that is planned, and how a stored one is read."""
