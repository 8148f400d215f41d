"""Generated packs: personas of 8.6 KB with the structure that hand-written ones have, the same bytes every time.

A pack has two releases; in the second one rule of each persona says something else, so that an upgrade has something
to merge.
"""

import os
import re

SIZE = 8600
"""Bytes of a persona as a client gets it: without the ids in braces."""
RELEASES = ("1.0.0", "1.1.0")
MOVED = "the rule that the next release changes"
_IDS = re.compile(r" \{#[^}]*\}")
_SECTIONS = 12
_RULES = 6
_WORDS = (
    "keep every function small enough to read at a glance and name it after what it gives back so that the caller "
    "needs no comment prefer values over state and say in the signature what may fail and how the caller is told about "
    "it before anything is written"
).split()


def write_pack(folder: str, name: str, personas: int) -> None:
    """Both releases of a pack of so many personas, below `folder`."""
    for version in RELEASES:
        place = f"{folder}/{name}/{version}"
        os.makedirs(f"{place}/personas")
        with open(f"{place}/pack.yaml", "w", encoding="utf-8") as file:
            file.write(f"schema: 1\nname: {name}\nversion: {version}\ndescription: Generated for measuring.\n")
        for number in range(personas):
            persona = persona_name(name, number)
            with open(f"{place}/personas/{persona}.md", "w", encoding="utf-8") as file:
                file.write(persona_text(persona, number, version))


def write_collection(folder: str, name: str, agents: int) -> None:
    """So many agent files, as people have them: without a manifest, and without ids in their text."""
    os.makedirs(folder)
    for number in range(agents):
        agent = persona_name(name, number)
        with open(f"{folder}/{agent}.md", "w", encoding="utf-8") as file:
            file.write(_IDS.sub("", persona_text(agent, number, RELEASES[0])))


def persona_name(pack: str, number: int) -> str:
    """The name of a pack's persona."""
    return f"{pack}-{number:04}"


def persona_text(name: str, number: int, version: str) -> str:
    """A persona of 8.6 KB: a description, and twelve sections of six rules."""
    lines = [
        "---",
        f"name: {name}",
        f"description: Use it for measuring, as number {number}.",
        "model: opus",
        "color: blue",
        "---",
        f"You are the engineer number {number}. {{#identity}}",
    ]
    for section in range(_SECTIONS):
        lines += ["", f"## Section {section} {{#section-{section}}}", ""]
        for rule in range(_RULES):
            words = [_WORDS[(number + 7 * section + 3 * rule + i) % len(_WORDS)] for i in range(19)]
            lines.append(f"- {' '.join(words).capitalize()}. {{#rule-{section}-{rule}}}")
    lines += ["", "## Ending {#ending}", "", f"- {MOVED}, in {version}. {{#moved}}", ""]
    text = "\n".join(lines)
    size = len(_IDS.sub("", text).encode())
    return text + "- " + "x" * max(0, SIZE - size - 5) + ". {#fill}\n"
