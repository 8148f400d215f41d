"""Folders of agent files without a manifest, read as leniently as the client reads them."""

import pytest
from support.packs import read_files

from agentpack.bare import read_agent
from agentpack.errors import InvalidFile
from agentpack.input.hidden_text import HiddenText


def agent(header: str, body: str = "Review.\n") -> bytes:
    return f"---\n{header}---\n{body}".encode()


PLAIN = agent("name: reviewer\ndescription: Reviews.\n")


def fields(header: str) -> dict[str, object]:
    layer = read_agent(agent(header).decode(), "x.md")
    assert layer is not None
    return {**layer.header, "description": layer.header["description"][0]["text"]}


def test_agents_at_the_top_or_in_a_folder_make_a_pack() -> None:
    for folder in ("", "agents/"):
        found = read_files({f"{folder}reviewer.md": PLAIN, f"{folder}notes.txt": b"x", "README.md": b"# Hello\n"})
        assert list(found.personas) == ["reviewer"]
        assert found.bare
        assert found.header["description"] == "1 agent file"
        assert found.version == "1.0.0"


@pytest.mark.parametrize(
    "data",
    [b"no header\n", agent("name: x-y\n"), agent("description: x\n"), agent("name: x-y\ndescription: ''\n"),
     agent("name: x-y\ndescription: [a, b]\n"), agent("- a\n")],
)  # fmt: skip
def test_a_file_without_name_or_description_is_no_agent(data: bytes) -> None:
    assert list(read_files({"reviewer.md": PLAIN, "other.md": data}).personas) == ["reviewer"]
    with pytest.raises(InvalidFile) as refused:
        read_files({"other.md": data})
    assert refused.value.details == ("data-reviewer: holds no agent file with a name and a description",)


def test_a_header_that_is_no_yaml_is_read_with_quotes_around_its_values() -> None:
    found = fields('name: reviewer\ndescription: Use it: when needed. "Quoted": yes\nmodel: "opus"\n')
    assert found["description"] == 'Use it: when needed. "Quoted": yes'
    assert found["model"] == "opus"


def test_a_header_that_is_no_yaml_with_quotes_either_makes_no_agent() -> None:
    """Asked of Claude Code 2.1.330: it takes the file for a document."""
    text = "---\nname: reviewer\ndescription: Use it: when needed.\n  and more\n---\nReview.\n"
    assert read_agent(text, "x.md") is None


def test_the_two_characters_for_a_line_break_become_one() -> None:
    assert fields("name: reviewer\ndescription: One.\\nTwo.\n")["description"] == "One.\nTwo."


def test_fields_that_the_client_knows_are_kept_and_others_are_not() -> None:
    found = fields(
        "name: reviewer\ndescription: x\ntools: Read, Bash\ncolor: mauve\nmaxTurns: 4\nauthor: me\nmodel: [x]\n"
    )
    assert found == {
        "name": "reviewer",
        "description": "x",
        "tools": ["read", "shell"],
        "clients": {"claude": {"maxTurns": 4}},
    }
    assert fields("name: reviewer\ndescription: x\ncolor: red\n")["color"] == "red"


def test_a_name_that_some_client_would_trip_over_is_a_fault() -> None:
    with pytest.raises(InvalidFile) as refused:
        read_files({"a.md": agent("name: My Agent\ndescription: x\n"), "b.md": agent("name: con\ndescription: x\n")})
    assert list(refused.value.details) == [
        "data-reviewer/a.md: name: a persona's name is lower-case letters, digits and single hyphens",
        "data-reviewer/b.md: name: `con` is a name that clients or systems reserve",
    ]


def test_a_file_that_is_not_utf8_is_refused() -> None:
    with pytest.raises(HiddenText, match="in data-reviewer/a"):
        read_files({"a.md": b"---\nname: \xff\n"})
