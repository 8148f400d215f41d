"""The floor of a check: the wanted text and the text on disk of every file are read and hashed.

Arguments: the folder with both sides, the number of files.
"""

import sys
from hashlib import sha256

folder, count = sys.argv[1], int(sys.argv[2])
for number in range(count):
    digests = set()
    for side in ("wanted", "disk"):
        with open(f"{folder}/{side}/{number}.md", "rb") as file:
            digests.add(sha256(file.read()).digest())
    if len(digests) != 1:
        sys.exit(1)
