"""Training: the shared loop, evaluation, optimisers, several devices."""
