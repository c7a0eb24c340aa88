"""Weights and training states, as files."""
