"""What holds for every client: a file whose header somebody wrote in other words is merged with any later release."""

from typing import Any

import pytest
from support.reformatting import STYLES, reformatted, values_in

from agentpack.clients import CLIENTS, MODULES
from agentpack.clients.render import render_file
from agentpack.merge import merge, resolved
from agentpack.model.persona import Field, Origin, Persona, Rule, Section

NAMES = sorted(MODULES)
ORIGIN = Origin("release", "reviewer 1.0.0")


def said(client: str, body: str, **fields: Any) -> str:
    """The client's file of a persona."""
    section = Section(None, 0, "", "", None, 0, (Rule(None, body, "", None, "text", 1, ORIGIN),), ORIGIN)
    header = {key: Field(value, ORIGIN) for key, value in fields.items()}
    return render_file(CLIENTS[client], Persona("reviewer", header, (section,)), {}).text


BODY = "You review.\n\n- Look.\n- Say.\n- Ask.\n"


def form_of(client: str) -> str:
    return CLIENTS[client].format


FIELDS = {"description": "Reviews: it's `data`.", "tools": ["read", "search"], "model": "opus", "color": "blue"}
LATER = {"description": 'Reviews "all" data.', "tools": ["read", "search", "edit"], "model": "opus", "color": "red"}


@pytest.mark.many
@pytest.mark.parametrize("client", NAMES)
@pytest.mark.parametrize("style", STYLES)
def test_a_header_in_other_words_is_no_conflict(client: str, style: str) -> None:
    form, new = form_of(client), BODY.replace("Ask.", "Ask first.")
    base, theirs = said(client, BODY, **FIELDS), said(client, new, **LATER)
    mine = said(client, BODY.replace("Look.", "Look twice."), **FIELDS)
    ours = reformatted(form, mine, (3, 1, 2), style, "# mine")
    merged = merge(base.encode(), ours.encode(), theirs.encode(), form=form)
    assert merged.content is not None, merged.conflicts
    text = merged.content.decode()
    assert values_in(form, text) == values_in(form, said(client, new.replace("Look.", "Look twice."), **LATER))
    assert form in ("body", "json") or "# mine" in text


@pytest.mark.parametrize("client", NAMES)
def test_a_field_that_both_changed_is_the_one_conflict(client: str) -> None:
    form = form_of(client)
    sides = [said(client, BODY, description=f"Reviews {what}.") for what in ("data", "my data", "all data")]
    ours = reformatted(form, sides[1], (3, 1, 2), "block", "# mine")
    merged = merge(sides[0].encode(), ours.encode(), sides[2].encode(), form=form)
    if sides[0] == sides[2]:
        pytest.skip("an agent of this client has no description")
    assert merged.content is None
    (conflict,) = merged.conflicts
    assert all(what in side for what, side in zip(("data", "my data", "all data"), conflict, strict=True))
    assert "name" not in "".join(conflict)


@pytest.mark.many
@pytest.mark.parametrize("client", NAMES)
@pytest.mark.parametrize("quotes", ["'''", '"""'])
@pytest.mark.parametrize("quoting", range(3))
def test_a_conflict_settled_for_either_side_leaves_a_file_that_reads(client: str, quotes: str, quoting: int) -> None:
    """Whichever side quotes code: in a file that is data, a text stands between quotes or at a depth of its own."""
    form = form_of(client)
    bodies = [BODY.replace("Say.", said) for said in ("Say.", "Say mine.", "Say yours.")]
    bodies[quoting] = bodies[quoting].replace("Ask.", f"Ask for {quotes}code{quotes}.")
    base, mine, theirs = (said(client, body, **FIELDS) for body in bodies)
    ours = reformatted(form, mine, (3, 1, 2), "block", "# mine")
    merged = merge(base.encode(), ours.encode(), theirs.encode(), form=form)
    assert merged.content is None
    for side, body in enumerate(bodies):
        fields = values_in(form, resolved(merged.draft, side))
        assert body.splitlines()[3] in str(fields).replace("\\n", "\n").splitlines(), fields
