"""Guidance: suggests learning rates and batch sizes, and checks whether a training works correctly."""
