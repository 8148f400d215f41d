"""One verb, one function that strings the steps together. `workspace.py` opens a scope, `making.py` computes what is
wanted in it, `carrying_out.py` plans and applies; every verb is built from these.
"""
