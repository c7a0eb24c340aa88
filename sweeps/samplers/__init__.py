"""Samplers: by name, and what each may see."""
