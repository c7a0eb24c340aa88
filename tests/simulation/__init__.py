"""Drivers under a seeded scheduler: real code, simulated time, processes and workers.

The driver, its writer, lease, proposer and storage are the real ones, on SQLite in memory or on disk. Each simulated
process runs in threads of which one at a time has the turn; it hands the turn back before each SQL statement and
commit, and while it sleeps. So a seed decides everything: who goes on, how much time passes, and what breaks.

- `scheduler.py`: turns, simulated time, processes that are killed and paused.
- `database.py`: SQLite whose statements take time, fail when a process is cut off or the disk is full, and are noted.
- `world.py`: hosts, drivers, the study; what breaks and when.
- `checker.py`: reads the history, and the database at the end; knows nothing of how the code keeps its promises.

A failure names its seed: `python -m tests.simulation SEED` runs that schedule again and tells its history.
"""
