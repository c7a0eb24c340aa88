"""A study: its specification, how it is planned, and how a stored study is read."""
