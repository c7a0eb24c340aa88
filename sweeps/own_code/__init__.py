"""Anybody's training code as something to sweep: a function over a trial, or an Optuna objective as it stands."""
