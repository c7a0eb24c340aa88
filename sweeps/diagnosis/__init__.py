"""Diagnosis: explains a learning curve in words, tables and pictures."""
