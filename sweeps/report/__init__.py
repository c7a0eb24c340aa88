"""Evaluates a stored study for people: tables of parameters, a review, a comparison with another study, a report."""
