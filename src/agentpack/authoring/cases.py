"""A pack's own tests: what is expected of a persona with given variants, parameters and client.

`tests/*.yaml` contains cases; each has the inputs and the expectations on the result.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from agentpack.authoring.sizes import core_of
from agentpack.model.names import did_you_mean
from agentpack.model.persona import Persona
from agentpack.model.text_size import count

FOLDER = "tests"


class Case(NamedTuple):
    """One test of a pack."""

    file: str
    line: int
    name: str
    persona: str | None
    """None: the only persona of the pack."""
    variants: tuple[str, ...]
    parameters: Mapping[str, Any]
    client: str
    expected: Mapping[str, Any]
    """The expectations by key: see `failed_expectations`."""

    @property
    def refused(self) -> str | None:
        """The text that the refusal must contain; None if the case expects no refusal."""
        return self.expected.get("refused")

    @property
    def golden(self) -> str | None:
        """The file, below `tests/`, that must equal the rendered text; None if the case names none."""
        return self.expected.get("golden")


EXPECTATIONS = (
    "present",
    "absent",
    "contains",
    "lacks",
    "fields",
    "words",
    "tokens",
    "core_words",
    "golden",
    "refused",
)


def case_from(data: Mapping[str, Any], file: str, line: int) -> Case:
    """A case from checked data."""
    return Case(
        file,
        line,
        data["name"],
        data.get("persona"),
        tuple(data.get("variants", ())),
        data.get("parameters", {}),
        data.get("client", "claude"),
        {key: data[key] for key in EXPECTATIONS if data.get(key) is not None},
    )


def failed_expectations(case: Case, persona: Persona, text: str, modules: Mapping[str, str]) -> Iterator[str]:
    """A sentence for each expectation of a test case that does not hold; none for `golden`, which the caller compares.

    Args:
        text: what the client gets.
        modules: by the id of a section that is read on demand, when to read it.
    """
    expected = case.expected
    there = _ids(persona)
    for id in expected.get("present", ()):
        if id not in there:
            hint = did_you_mean(id, there)
            yield f"missing `{id}`" + (f"; {hint}" if hint else "")
    yield from (f"unexpected `{id}`" for id in expected.get("absent", ()) if id in there)
    yield from (f"the text lacks `{part}`" for part in expected.get("contains", ()) if part not in text)
    yield from (f"the text contains `{part}`" for part in expected.get("lacks", ()) if part in text)
    for key, value in expected.get("fields", {}).items():
        if persona.value(key) != value:
            yield f"`{key}` is {_shown(persona.value(key))}, not {_shown(value)}"
    size, core = count(persona.body), core_of(persona, modules)
    for key, found, unit in (
        ("words", size.words, "words"),
        ("tokens", size.tokens, "tokens"),
        ("core_words", core.words, "words that are always read"),
    ):
        if key in expected and found > expected[key]:
            yield f"{found} {unit}, more than {expected[key]}"


def _ids(persona: Persona) -> set[str]:
    ids = {rule.id for section in persona.sections for rule in section.rules}
    return {id for id in (*ids, *(section.id for section in persona.sections)) if id is not None}


def _shown(value: Any) -> str:
    return "not set" if value is None else f"`{value}`"
