"""The rounds and results of a study, written for the tools in which people already look: a file for each tool."""
