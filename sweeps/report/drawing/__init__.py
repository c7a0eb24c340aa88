"""Pictures of a study as SVG, drawn by a few functions of our own.

Why no library: matplotlib needs a second for a dozen small pictures, and its files can't follow the reader's light or
dark theme; plotly's script alone is larger than a whole report may be. The page's style sheet sets the colours.
"""
