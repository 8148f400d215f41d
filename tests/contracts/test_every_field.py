"""What holds for every field of a persona's front matter: it is checked, laid over, filled in, written, read back,
kept and told of, from its row in `model/fields.py` and what clients make of it.
"""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.packs import make_pack, persona_text, publish, read_files, variant_text
from support.running import Agentpack

from agentpack.clients import CLIENTS
from agentpack.clients.read_back import read_agent_file
from agentpack.clients.render import render_file
from agentpack.compose.compose import BasePersona, Pack, compose, draft_of, values_for
from agentpack.errors import InvalidFile, UsageError
from agentpack.model.fields import FIELDS, PersonaField
from agentpack.model.persona import Field, Origin, Persona

FORMAT = Path(__file__).parents[2] / "docs/reference/pack-format.md"
EVERY = pytest.mark.parametrize("field", FIELDS.values(), ids=lambda field: field.name)
SPOKEN = pytest.mark.parametrize(
    "field", [one for one in FIELDS.values() if one.kind != "clients"], ids=lambda field: field.name
)
CHOSEN = pytest.mark.parametrize("field", [one for one in FIELDS.values() if one.words], ids=lambda field: field.name)


def values(field: PersonaField) -> tuple[Any, Any]:
    """Two values that it may have, as a persona has them once made."""
    if field.kind == "clients":
        return {"claude": {"maxTurns": 3}}, {"claude": {"maxTurns": 4}}
    if field.kind == "list":
        return [field.words[0]], [field.words[0], field.words[-1]]
    first, second, *_ = field.words or (("opus", "sonnet") if field.name == "model" else ("One thing.", "Another."))
    return first, second


def with_field(field: PersonaField, value: Any, **more: Any) -> str:
    return persona_text(**{field.name: value}, **more)


def pack(field: PersonaField, value: Any, **more: Any) -> Pack:
    return read_files(make_pack(personas={"reviewer": with_field(field, value)}, **more))


def made(found: Pack, *variants: str, base: BasePersona | None = None, **given: Any) -> Persona:
    draft = draft_of(found, "reviewer", variants, {}, base)
    return compose(draft, values_for(draft, found.declarations, given, found.release))


@EVERY
def test_the_page_of_the_format_has_a_row_for_it(field: PersonaField) -> None:
    rows = [line for line in FORMAT.read_text().splitlines() if line.startswith(f"| `{field.name}` |")]
    assert any(all(f"`{word}`" in row for word in field.words) for row in rows), f"no row for {field.name}"


@EVERY
def test_a_variant_sets_it(field: PersonaField) -> None:
    first, second = values(field)
    found = pack(field, first, variants={"reviewer/other": variant_text(set={field.name: second})})
    assert made(found).value(field.name) == first
    assert made(found, "other").value(field.name) == second


@EVERY
def test_a_persona_that_extends_another_has_its_own_or_else_the_others(field: PersonaField) -> None:
    first, second = values(field)
    base = BasePersona(draft_of(pack(field, first), "reviewer", (), {}), {})

    def child(**own: Any) -> Any:
        text = persona_text(**own, extends="data-reviewer>=1")
        files = make_pack("child", personas={"reviewer": text}, requires=["data-reviewer>=1"])
        return made(read_files(files, "child"), base=base).value(field.name)

    assert child(**{field.name: second}) == second
    if field.name != "description":  # which every persona has
        assert child() == first


@SPOKEN
def test_a_parameter_fills_it(field: PersonaField) -> None:
    first, second = values(field)
    told = [", ".join(value) if isinstance(value, list) else value for value in (first, second)]
    parameter = {"it": {"type": "string", "default": told[0], "description": "x"}}
    found = pack(field, "{{ it }}", parameters=parameter)
    assert made(found).value(field.name) == first
    assert made(found, it=told[1]).value(field.name) == second


@CHOSEN
def test_another_word_is_refused_wherever_it_comes_from(field: PersonaField) -> None:
    words = f"`nonsense` is not a {field.noun}"
    with pytest.raises(InvalidFile) as refused:
        pack(field, "nonsense")
    assert words in str(refused.value.details)
    with pytest.raises(InvalidFile) as refused:
        made(pack(field, values(field)[0], variants={"reviewer/other": variant_text(set={field.name: "nonsense"})}))
    assert words in str(refused.value.details)
    parameter = {"it": {"type": "string", "default": "nonsense", "description": "x"}}
    with pytest.raises(UsageError, match=words):
        made(pack(field, "{{ it }}", parameters=parameter))


@EVERY
def test_a_client_writes_it_and_it_is_read_back(field: PersonaField) -> None:
    writers = []
    for client in CLIENTS.values():
        for value in values(field):
            given = {"description": "Reviews data.", field.name: value}
            fields = {key: Field(one, Origin("release", "x")) for key, one in given.items()}
            text = render_file(client, Persona("reviewer", fields, (), lambda: "You review data, whoever asks.\n"), {})
            told = [*text.lost, *(str(note) for note in text.notes)]
            read = read_agent_file(client, text.text.encode(), "reviewer").header.get(field.name)
            if read == value:
                writers.append(client.name)
            elif field.kind in ("parts", "text", "word"):  # a client's own tools may stand for several
                assert any(field.name in one for one in told), f"{client.name} drops {field.name}"
    assert writers, f"no client says {field.name}"


@EVERY
def test_an_edit_of_it_is_kept_as_a_variant(
    field: PersonaField, agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    first, second = values(field)
    packs = [
        make_pack(version=version, personas={"reviewer": with_field(field, value)})
        for version, value in (("1.0.0", first), ("2.0.0", second))
    ]
    source = publish(tmp_path / "packs", *packs)
    agentpack("install", "data-reviewer==1.0.0", "--source", str(source), "--client", "claude")
    edited = agentpack("render", "data-reviewer==2.0.0", "--client", "claude").out
    (project / ".claude/agents/reviewer.md").write_text(edited)
    agentpack("keep", "reviewer")
    kept = next((project / ".agentpack/variants/reviewer").iterdir()).read_text()
    assert yaml.safe_load(kept.split("---\n")[1])["set"] == {field.name: second}


@EVERY
def test_a_new_default_is_told_with_the_version_it_asks_for(
    field: PersonaField, agentpack: Agentpack, tmp_path: Path
) -> None:
    first, second = values(field)
    old = publish(tmp_path / "old", make_pack(personas={"reviewer": with_field(field, first)}))
    new = publish(tmp_path / "new", make_pack(personas={"reviewer": with_field(field, second)}))
    before, after = (str(next(folder.rglob("pack.yaml")).parent) for folder in (old, new))
    said = agentpack("pack", "check", after, "--against", before, expect=None)
    assert re.search(rf"`?{field.name}`?", said.out + said.err), said.out
    assert ("minor" if field.is_prose else "major") in said.out + said.err


@SPOKEN
def test_the_tests_of_a_pack_may_expect_it(field: PersonaField, agentpack: Agentpack, tmp_path: Path) -> None:
    first, second = values(field)
    for value, code in ((first, 0), (second, 1)):
        case = {"name": "as wanted", "fields": {field.name: value}}
        tests = yaml.safe_dump({"schema": 1, "tests": [case]})
        folder = publish(
            tmp_path / str(code),
            make_pack(personas={"reviewer": with_field(field, first)}, files={"tests/x.yaml": tests}),
        )
        agentpack("pack", "test", str(next(folder.rglob("pack.yaml")).parent), expect=code)
