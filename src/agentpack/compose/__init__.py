"""Compose a persona, its variants and parameters into one persona whose rules know their origin.

The same input always gives the same text.

`parse.py` reads the text of a persona or variant, `layers.py` applies variants to a persona, `parameters.py` checks
values, `substitute.py` evaluates conditions and fills in values, `compose.py` runs these steps.
"""
