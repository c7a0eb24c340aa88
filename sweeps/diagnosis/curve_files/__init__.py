"""Learning curves of any framework: a file a family of formats; each gives a `Table`, and the rest is the same for all.

`table` is what a reader gives, `columns` guesses which figure a column is, `runs` tells runs and rounds apart, and
`reading` puts them together. To add a format, write a function that gives a Table, and name it in `reading`.
"""
