"""Training on Ray Tune's workers."""
