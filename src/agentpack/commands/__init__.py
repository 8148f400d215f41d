"""One verb, one function that strings the steps together: what is there (`workspace/`), what is wanted (`wanted/`), and
what becomes of it (`changes/`).
"""
