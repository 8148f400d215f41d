"""The tests that travel with a pack: what is expected of a persona with certain variants, parameters and a client.

`tests/*.yaml` holds cases; each says what is asked for and what must be true of what comes out.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from agentpack.authoring.sizes import core_of, count
from agentpack.model.names import did_you_mean
from agentpack.model.persona import Persona

FOLDER = "tests"


class Case(NamedTuple):
    """One test of a pack."""

    file: str
    line: int
    name: str
    persona: str | None
    """None: the pack's only one."""
    variants: tuple[str, ...]
    parameters: Mapping[str, Any]
    client: str
    expected: Mapping[str, Any]
    """What must hold, by key: see `failed_expectations`."""

    @property
    def refused(self) -> str | None:
        """The text that the refusal must have in it, when the case expects one."""
        return self.expected.get("refused")

    @property
    def golden(self) -> str | None:
        """The file, below `tests/`, that must equal the rendered text."""
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
    """A case out of checked data."""
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
    """Every expectation of the case that does not hold, in words. `text` is what the client gets, `golden` is not
    looked at here.
    """
    expected = case.expected
    there = _ids(persona)
    for id in expected.get("present", ()):
        if id not in there:
            hint = did_you_mean(id, there)
            yield f"`{id}` is not there" + (f"; {hint}" if hint else "")
    yield from (f"`{id}` is there" for id in expected.get("absent", ()) if id in there)
    yield from (f"the text lacks `{part}`" for part in expected.get("contains", ()) if part not in text)
    yield from (f"the text has `{part}`" for part in expected.get("lacks", ()) if part in text)
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
