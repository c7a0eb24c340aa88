"""Reads learning curves of any framework. Each family of formats has a file here whose reader returns a `Table`.

`table` defines this type, `columns` guesses which figure a column holds, `runs` divides the rows into runs and rounds,
and `reading` calls them all. To add a format, write a function that returns a Table, and call it in `reading`.
"""
