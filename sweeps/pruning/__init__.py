"""Stop rules: when a trial is halted, and why.

`learning_curve` is what is looked at, `curves` the signs in it (numbers in, numbers out), `rule` what a rule is, and
`rules` all of them by name; `judge` stands between them and the service, `pruner` between them and Optuna.
"""
