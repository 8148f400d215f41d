"""A new pack: the smallest useful one that passes `pack check` and `pack test` and shows every part once."""

import json
from collections.abc import Mapping

from agentpack.edits.rules import escaped
from agentpack.writers.schema_line import schema_line

_MANIFEST = """\
{schema_line}
schema: 1
name: {name}
version: 0.1.0
description: {description}
license: MIT
authors: [{author}]
keywords: [{name}]
parameters:
  tone:
    type: string
    default: short
    choices: [short, thorough]
    description: How much the persona says.
"""

_PERSONA = """\
---
name: {persona}
description: >-
  {description} Use it when such work is asked for by name, or when a file in question shows that it is needed. Not for
  anything else.
tools: [read, search]
---
You are {words}. {{#identity}}

## First {{#first}}

- Read the files around the place in question before you say anything about it: the answer is often there. {{#look}}
- Ask when two readings of the task lead to different work. {{#ask}}

## Answer {{#answer}}

- Begin with the result, then the reasons. {{#result-first}}
- Keep to ten lines. {{#length when=tone:short}}
- Say what you looked at and what you left out. {{#coverage when=tone:thorough}}
"""

_VARIANT = """\
---
summary: Names the exact place for every claim.
---
## Answer {#answer}

- Give file and line for each thing you say about the code. {#places}
"""

_TESTS = """\
schema: 1
tests:
  - name: by default it is short and looks first
    present: [look, ask, result-first, length]
    absent: [coverage, places]
    fields: {{tools: [read, search]}}
    core_words: 200
  - name: thorough says what it looked at
    parameters: {{tone: thorough}}
    present: [coverage]
    absent: [length]
  - name: the variant asks for places
    variants: [places]
    present: [places]
    contains: ["file and line"]
"""

_CHANGELOG = """\
# Changelog

## 0.1.0

- First release.
"""

_README = """\
# {name}

{description}

    agentpack install {name} --source <the folder that contains this pack>

| variant | adds |
| --- | --- |
| `places` | file and line for every claim |

| parameter | default | values |
| --- | --- | --- |
| `tone` | `short` | `short`, `thorough` |
"""

_MIT = """\
MIT License

Copyright (c) {author}

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
"""

_NO_ARTICLE = frozenset(("a", "an", "her", "his", "my", "our", "the", "their", "your"))


def new_pack(name: str, *, persona: str, description: str, author: str) -> Mapping[str, bytes]:
    """The files of a new pack, by POSIX path. The arguments must be single lines."""
    first, *_ = words = persona.split("-")
    values = {
        "name": name,
        "persona": persona,
        "description": description,
        "author": author,
        "words": " ".join(words if first in _NO_ARTICLE else ("the", *words)),
    }
    quoted = {**values, "description": _quoted(description), "author": _quoted(author)}
    texts = {
        "pack.yaml": _MANIFEST.format(schema_line=schema_line("pack"), **quoted),
        f"personas/{persona}.md": _PERSONA.format(**{**values, "description": escaped(description)}),
        f"variants/{persona}/places.md": _VARIANT,
        "tests/first.yaml": _TESTS.format(),
        "CHANGELOG.md": _CHANGELOG,
        "README.md": _README.format(**values),
        "LICENSE": _MIT.format(**values),
    }
    return {path: text.encode() for path, text in texts.items()}


def _quoted(text: str) -> str:
    """A text as a YAML value, whatever it contains: JSON is YAML."""
    return json.dumps(text, ensure_ascii=False)
