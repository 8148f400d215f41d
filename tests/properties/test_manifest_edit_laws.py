"""A manifest that people wrote is changed where it must be, and every other line stays as it is."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st
from support.effort import usually

from agentpack.input.documents import read_yaml
from agentpack.input.schemas import validate
from agentpack.model.manifest import EMPTY, ConfiguredSource, Manifest, ManifestEntry
from agentpack.model.requirement import parse_requirement
from agentpack.writers.manifest_edit import edit_manifest
from agentpack.writers.manifest_text import new_manifest

NAMES = ("alpha", "beta", "gamma", "delta")
RANGES = ("", ">=1.1,<2", "==1.0.0", "~=2.0", "[strict-typing]", "[lean,strict-typing]>=1")
OPTIONS: tuple[dict[str, Any], ...] = (
    {},
    {},
    {"parameters": {"line_length": 100, "checker": "ty: strict", "on": True}},
    {"clients": ["claude"]},
    {"as": {"reviewer": "data-reviewer"}, "clients": ["claude", "codex"]},
)


class Line(NamedTuple):
    """A line of a manifest, and the pack or key it is about; None when it is about nothing that changes."""

    text: str
    about: str | None = None


class Written(NamedTuple):
    """A manifest as somebody wrote it."""

    text: str
    lines: tuple[Line, ...]

    @property
    def manifest(self) -> Manifest:
        return meaning(self.text)


def meaning(text: str) -> Manifest:
    return Manifest.from_data(validate("manifest", read_yaml(text, "agentpack.yaml")))


def flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(flow, value)) + "]"
    return f'"{value}"' if isinstance(value, str) else str(value).lower()


@st.composite
def entries(draw: st.DrawFn, name: str, indent: str) -> list[Line]:
    """One item of a block list of packs."""
    requirement = name + draw(st.sampled_from(RANGES))
    options = draw(st.sampled_from(OPTIONS))
    comment = draw(st.sampled_from(["", "", "  # why we need it", " #"]))
    made = [Line(f"{indent}# about {name}", f"comment on {name}")] if draw(st.booleans()) else []
    if not options:
        text = draw(st.sampled_from([requirement, f'"{requirement}"', f"'{requirement}'"]))
        return [*made, Line(f"{indent}- {text}{comment}", name)]
    if draw(st.booleans()):
        return [*made, Line(f"{indent}- {flow({'require': requirement, **options})}{comment}", name)]
    made.append(Line(f"{indent}- require: {requirement}{comment}", name))
    for key, value in options.items():
        if isinstance(value, dict) and draw(st.booleans()):
            made.append(Line(f"{indent}  {key}:", name))
            made += [Line(f"{indent}    {inner}: {flow(item)}", name) for inner, item in value.items()]
        else:
            made.append(Line(f"{indent}  {key}: {flow(value)}", name))
    return made


@st.composite
def manifests(draw: st.DrawFn) -> Written:
    """A manifest in one of the many ways to write it."""
    names = draw(st.lists(st.sampled_from(NAMES[:3]), unique=True, max_size=3))
    blocks: list[list[Line]] = [[Line("schema: 1")]]
    if draw(st.booleans()):
        ways = [[Line("clients: [claude]  # all of us", "clients")], CLIENTS, empty("clients")]
        blocks.append(draw(st.sampled_from(ways)))
    if draw(st.booleans()):
        blocks.append(draw(st.sampled_from([[Line("models: {opus: {codex: gpt-6}}")], empty("models")])))
    if draw(st.booleans()):
        ours = [Line("sources:"), Line("  - {name: team, path: ../packs}  # ours")]
        blocks.append(draw(st.sampled_from([ours, empty("sources")])))
    if draw(st.booleans()):
        blocks.append(empty("policy"))
    blocks.append(draw(packs(names)))
    order = draw(st.permutations(range(len(blocks))))
    made: list[Line] = [Line("# what we use")] if draw(st.booleans()) else []
    for at in order:
        made += blocks[at]
        made += draw(st.sampled_from([[], [], [Line("")], [Line(""), Line("# more")]]))
    newline = draw(st.sampled_from(["\n", "\n", "\n", "\r\n"]))
    end = newline if draw(st.integers(0, 4)) else ""
    return Written(newline.join(line.text for line in made) + end, tuple(made))


def empty(key: str) -> list[Line]:
    """A key that is left empty, with the comment of who left it so."""
    return [Line(f"{key}:  # later", f"empty {key}")]


CLIENTS = [Line("clients:", "clients"), Line("- claude  # me", "clients"), Line("- codex", "clients")]


@st.composite
def packs(draw: st.DrawFn, names: Sequence[str]) -> list[Line]:
    if not names:
        none = ["packs: []", "packs: []  # none yet", "packs:", "packs:  # none yet", "packs: ~", "packs: null # none"]
        return [Line(draw(st.sampled_from(none)), "packs")]
    if draw(st.integers(0, 3)) == 0:
        items = [flow(name + draw(st.sampled_from(RANGES))) for name in names]
        return [Line(f"packs: [{', '.join(items)}]  # all", "packs")]
    indent = draw(st.sampled_from(["", "  ", "    "]))
    return [Line("packs:", "packs key"), *(line for name in names for line in draw(entries(name, indent)))]


@st.composite
def changed(draw: st.DrawFn, old: Manifest) -> tuple[Manifest, set[str]]:
    """Another manifest, and what it says otherwise."""
    new, about = old, set[str]()
    for name in NAMES:
        deed = draw(st.sampled_from(["", "", "remove", "range", "options"]))
        before = new.wanted(name)
        if not deed or (before is None and deed == "remove"):
            continue
        kept = tuple(wanted for wanted in new.packs if wanted is not before)
        about |= {name, "packs"}
        if deed == "remove":
            new = new._replace(packs=kept)
            about.add(f"comment on {name}")
            continue
        text = name + draw(st.sampled_from(RANGES))
        wanted = (before or ManifestEntry(parse_requirement(text), text))._replace(
            requirement=parse_requirement(text), text=text
        )
        if deed == "options":
            wanted = wanted._replace(
                parameters={**wanted.parameters, **draw(st.sampled_from([{"line_length": 90}, {"style": "a: b #c"}]))}
            )
            wanted = wanted._replace(clients=draw(st.sampled_from([wanted.clients, ("claude",)])))
        if before is None:
            new = new._replace(packs=(*new.packs, wanted))
        else:
            new = new._replace(packs=tuple(wanted if one is before else one for one in new.packs))
    if draw(st.integers(0, 3)) == 0:
        new = new._replace(clients=("claude", "opencode"))
        about |= {"clients", "empty clients"}
    if draw(st.integers(0, 3)) == 0:
        new = new._replace(sources=(*new.sources, ConfiguredSource("other", "path", "~/packs here")))
        about.add("empty sources")
    return new, about


@given(st.data())
@settings(max_examples=usually(40, thorough=120, nightly=300))
def test_a_change_is_made_and_every_other_line_stays(data: st.DataObject) -> None:
    written = data.draw(manifests())
    new, about = data.draw(changed(written.manifest))
    text = edit_manifest(written.text, "agentpack.yaml", written.manifest, new)
    assert meaning(text).to_data() == new.to_data()
    if not new.packs:
        about.add("packs key")
    kept = [line.text for line in written.lines if line.about not in about]
    assert_within(kept, text.replace("\r\n", "\n").split("\n"))
    assert text.count("# later") == written.text.count("# later")
    assert text.count("# none") == written.text.count("# none")
    assert text.count("\r\n") == (text.count("\n") if "\r\n" in written.text else 0)
    assert edit_manifest("\ufeff" + written.text, "agentpack.yaml", written.manifest, new) == "\ufeff" + text


def assert_within(kept: Sequence[str], lines: Sequence[str]) -> None:
    """Every kept line is there, in order, with others between them."""
    left: Iterator[str] = iter(lines)
    for line in kept:
        assert line in left, f"lost: {line!r}"


@given(st.data())
def test_no_change_changes_no_byte(data: st.DataObject) -> None:
    written = data.draw(manifests())
    assert edit_manifest(written.text, "agentpack.yaml", written.manifest, written.manifest) == written.text


@given(st.data())
def test_a_pack_added_and_taken_out_again_leaves_every_line(data: st.DataObject) -> None:
    written = data.draw(manifests())
    added = ManifestEntry(parse_requirement("delta>=1"), "delta>=1", None, {"line_length": 90})
    more = (*written.manifest.packs, added)
    there = edit_manifest(written.text, "agentpack.yaml", written.manifest, written.manifest._replace(packs=more))
    back = edit_manifest(there, "agentpack.yaml", meaning(there), written.manifest)
    assert meaning(back).to_data() == written.manifest.to_data()
    if written.manifest.packs:
        assert back.rstrip() == written.text.rstrip()


@given(st.data())
def test_a_new_manifest_says_what_it_is_made_from(data: st.DataObject) -> None:
    new, _ = data.draw(changed(data.draw(manifests()).manifest))
    assert meaning(new_manifest(new._replace(models={}))).to_data() == new._replace(models={}).to_data()


KEYS = ("clients", "models", "packs", "policy", "sources")
ADDED = Manifest(
    ("claude",),
    (ManifestEntry(parse_requirement("alpha"), "alpha"),),
    {},
    (ConfiguredSource("other", "path", "~/packs here"),),
)


@given(keys=st.lists(st.sampled_from(KEYS), unique=True), nothing=st.sampled_from(["", " ~", " null", "  # later"]))
def test_a_key_that_is_left_empty_says_nothing_and_takes_what_is_added(keys: list[str], nothing: str) -> None:
    for text in ("schema: 1\n" + "".join(f"{key}:{nothing}\n" for key in keys), flowing(keys, nothing)):
        assert meaning(text) == EMPTY
        made = edit_manifest(text, "agentpack.yaml", EMPTY, ADDED)
        assert meaning(made) == ADDED
        assert made.count("# later") == text.count("# later")


def flowing(keys: Sequence[str], nothing: str) -> str:
    said = " " if "#" in nothing else f"{nothing} "
    return "{schema: 1" + "".join(f", {key}:{said}" for key in keys) + "}\n"
