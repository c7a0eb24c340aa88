"""Kinds of training that our tasks do not cover, in plain torch: other units, other budgets, rounds of a few steps.

`kind` defines the class of a kind, `training` makes one curve, and the other files define the kinds. `python -m
benchmarks.kinds_bank` makes their curves.
"""
