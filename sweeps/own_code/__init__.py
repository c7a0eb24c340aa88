"""Sweeps a user's own training code: a function that takes a trial, or an unchanged Optuna objective."""
