"""Writes the rounds and results of a study for other tracking tools. Each module is for one tool."""
