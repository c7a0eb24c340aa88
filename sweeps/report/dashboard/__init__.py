"""What the Optuna dashboard shows of a study beyond what Optuna stores: notes, plots, pictures, readable names.

It is put into the dashboard's answers as they leave the server, through the fields that its own page has for notes and
plots. So it is always up to date, and nothing is written: a dashboard can't lock the database of a running study.
"""
