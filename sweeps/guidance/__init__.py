"""Guidance: which learning rate, which batch size, and whether a training is sane at all."""
