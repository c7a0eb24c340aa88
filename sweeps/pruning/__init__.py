"""Stop rules decide when a trial is halted, and give the reason.

`learning_curve` holds the arrays that rules judge, `curves` computes signs from them, `rule` is the base class, and
`rules` lists all rules by name. `judge` applies a rule to the trials of onset-sweeps, `pruner` to those of a user's own
Optuna study.
"""
