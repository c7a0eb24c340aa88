"""Pictures of a study as SVG, drawn by a few functions of our own.

matplotlib would need a second for each dozen of small pictures, and its files can't follow the reader's light or dark
theme; plotly's script alone is larger than a whole report may be. Colours are classes of the page's style sheet.
"""
