"""Training: the shared loop, evaluation, optimizers, several devices."""
