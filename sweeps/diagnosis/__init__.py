"""Diagnosis: what a learning curve shows, in words, tables and pictures."""
