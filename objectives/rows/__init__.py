"""Rows of data: how they are stored, split and selected."""
