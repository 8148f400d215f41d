"""The laws of `adopt`: the pack made of an agent file says, for every client, what the file says, in rules with ids."""

from hypothesis import given, settings
from hypothesis import strategies as st
from support.packs import read_files

from agentpack.clients import CLIENTS
from agentpack.compose.compose import ParameterValues, compose
from agentpack.compose.layers import first_draft
from agentpack.edits.recognise import local_pack, read_file
from agentpack.model.persona import Origin, Persona

LINES = (
    "- Look before you change.",
    "- Say {{ what }} you saw.",
    "  more of it",
    "A hard break.  ",
    "- Another.\t",
    "## Rules",
    "Setext",
    "===",
    "```sh",
    "# not a heading",
    "```",
    "",
    "",
    "| a | b |",
    "<!-- note -->",
    "    code by its depth",
    "1. One. {#",
    "Many. {#a {#b",
    "{{",
    "#",
    "---",
)
bodies = st.lists(st.sampled_from(LINES), max_size=12).map(lambda lines: "".join(f"{line}\n" for line in lines))


def adopted(body: str) -> tuple[str, Persona]:
    """The body as the client reads it in its file, and the persona in the pack made of that."""
    text = f"---\nname: tidy\ndescription: Tidies up.\n---\n{body}"
    agent = read_file(CLIENTS["claude"], text.encode(), "tidy")
    pack = read_files(local_pack("tidy", [agent]), "tidy", "0.1.0")
    draft = first_draft(pack.personas["tidy"], Origin("release", "tidy 0.1.0"))
    return agent.body, compose(draft, ParameterValues({}, frozenset()))


@given(bodies)
@settings(max_examples=60)
def test_the_pack_has_the_body_of_the_file_word_for_word(body: str) -> None:
    there, persona = adopted(body)
    assert persona.body == there


def test_one_line_that_cannot_carry_an_id_takes_no_other_its_id() -> None:
    _, persona = adopted("A hard break.  \nGoes on.\n\n- Look.\n\n## Rules\n\n- Say.\n")
    assert [rule.id for section in persona.sections for rule in section.rules] == [None, "look", "say"]
