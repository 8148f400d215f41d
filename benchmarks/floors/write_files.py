"""The floor of a command that changes files all or none: a journal with every new text made durable by one call, then
a bare loop that writes every file.

Arguments: the folder to write in, the number of files, `update` when the files exist already and are read first.
"""

import os
import sys

folder, count, update = sys.argv[1], int(sys.argv[2]), sys.argv[3:] == ["update"]
text = b"x" * 8600
os.makedirs(folder, exist_ok=True)
with open(folder + "/journal", "wb") as journal:
    for _ in range(count):
        journal.write(text)
    journal.flush()
    os.fsync(journal.fileno())
for number in range(count):
    path = f"{folder}/{number}.md"
    if update:
        with open(path, "rb") as file:
            file.read()
    with open(path, "wb") as file:
        file.write(text)
