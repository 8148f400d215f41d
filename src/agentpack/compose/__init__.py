"""Persona, variants and parameters become one persona, each rule with its origin. Pure: the same values give the same
text.

`parse.py` reads the text of a persona or variant, `layers.py` lays variants over a persona, `parameters.py` checks
values, `substitute.py` decides conditions and puts values in, `compose.py` strings them together.
"""
