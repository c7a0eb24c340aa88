"""Samplers: propose the parameters of each trial."""
