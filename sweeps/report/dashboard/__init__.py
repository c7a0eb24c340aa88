"""Adds to the Optuna dashboard what Optuna does not store about a study: notes, plots, pictures, readable names.

Our server puts these into the dashboard's answers, in the fields that the dashboard's page has for notes and plots. So
they are always up to date, and nothing is written: the dashboard can't lock the database of a running study.
"""
