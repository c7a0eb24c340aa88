"""The runner on Ray Tune: workers, nodes, and the cleanup of Ray's processes."""
