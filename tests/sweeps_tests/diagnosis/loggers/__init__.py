"""Scripts that train a tiny model with a real library and leave the file of its logger in a folder.

    python -m tests.sweeps_tests.diagnosis.loggers.NAME FOLDER

Each prints the figures that the library itself returns of each round, as JSON.
"""
