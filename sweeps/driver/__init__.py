"""The driver: the only process that writes a study's trials and files."""
