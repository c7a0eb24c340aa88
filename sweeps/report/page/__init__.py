"""The report as one HTML file: facts and pictures put into a template."""
