"""Makes the report as one HTML file from its facts, its pictures and a template."""
