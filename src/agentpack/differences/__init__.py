"""Two texts or two personas -> what differs between them. Pure, and bounded in time whatever the texts hold.

`lines.py` aligns lines and makes hunks, `words.py` marks the words changed inside a line, `header.py` splits a client's
file into fields and body, `rules.py` recognises the rules of a persona in a text and compares them.
"""
