"""Kinds of training that no task of ours is, as plain torch: other units, other budgets, rounds that are steps.

`kind` is what a kind is, `training` how one curve is made, the other files are the kinds; `python -m
benchmarks.kinds_bank` makes their curves.
"""
