"""The exported best configuration: its document, and its replay."""
