"""The exported best configuration (best.yaml): writing, reading and replaying it."""
