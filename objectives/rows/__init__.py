"""Rows of data: how they are held, split and cut."""
