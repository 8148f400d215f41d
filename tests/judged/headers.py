"""Odd agent files: how Claude Code finds and reads their headers.

In each, `{n}` stands for a word of its own, by which the agent is found among those the client lists.
`answers/claude-headers.json` records the name and the description that the client gives it, or null if it lists none;
`test_recorded.py` asks the client again, and `test_told.py` reads the files as agentpack does.
"""

_HEAD = "---\nname: {n}\ndescription: About {n}.\n"
_END = "---\nBody.\n"
_PLAIN = _HEAD + _END


def _named(name: str) -> str:
    return f"---\nname: {name}\ndescription: About {{n}}.\n{_END}"


def _described(description: str) -> str:
    return f"---\nname: {{n}}\ndescription: {description}\n{_END}"


def _with(*lines: str) -> str:
    return _HEAD + "".join(f"{line}\n" for line in lines) + _END


NAMES = (
    *("12", "1.5", "0x1F", "0o17", "0b11", "1e3", "+1", ".5", "-1", ".inf", ".nan", "1_000", '"12"', "{n}.5"),
    *("true", "yes", "null", "~", "", '""', "2026-11-29", "[{n}]"),
    *("My {n} Agent", "{n} & Cost", "net-4.8-{n}", "Ünï {n}", "日本 {n}", "{n} \U0001f680", "{n}'s", "{n}_x", "{n}.md"),
    *("{n}/b", "../{n}", "{n}\\b", '"{n}\\tb"', '"{n}\\nb"', "{n}\u00a0b", "{n},b", "@{n}", "`{n}`", "*{n}", "#{n}"),
    *("{n}:x", "{n}: x", "'{n}:x'", "{n}\uff1ax", "-{n}", "x" * 250 + "{n}", "x" * 253 + "{n}", "{n} #x", '"{n}"'),
)
DESCRIPTIONS = (
    *("12", "1.5", "1e3", "0x1f", "true", "~", "", '""', "2026-11-29", "[a]", "{a: b}"),
    *("Use {n}: when it is so", "Use {n}: when it is so  ", '"{n}" is: quoted', "'{n}' is: quoted", '"{n}" and "more"'),
    *('"{n}: un', "'{n} isn't it'", "{n} isn't it", "[{n}, a: b", "[{n}]: x", "[{n}, b]", "{ {n}: x }", "*{n}* is"),
    *("%{n} is", "@{n} is", "`{n}` is", "# {n} is", "{n} # is", "{n}# is", "? {n}", "- {n}", "-{n}", ", {n}", "] {n}"),
    *("} {n}", "> {n}", "<{n}>", "{n}:", "{n}:x", ":{n}", "{n} :x", '{n} a: "b" c\\d', "{n} a: C:\\temp\\new"),
    *("About {n} --- and more", '"About {n} --- and more"', "About {n} -- and more", "About {n}\\nmore", "\tAbout {n}"),
    *(
        '"About {n}\\nmore"',
        '"About {n} \\u00e9 \\x41"',
        '"About {n} \\q"',
        "About {n}\n  and more.",
        "About {n}\nand on.",
    ),
    *("About {n}: a\n  and more.", "About {n}.\n\n  After a blank.", "About {n}.\n\nExamples:\n- one\n- two"),
    *("\n  About {n}\n  and more", "|\n  About {n}\n  and: more", ">-\n  About {n}\n\n  and: more\n", "|2\n    {n}\n"),
    *("|\nAbout {n}", "|\n\tAbout {n}", '"About {n}\n  more"'),
)
HEADERS: tuple[str, ...] = (
    _PLAIN,
    # Where the header begins and ends.
    *(f"{fence}\n{_PLAIN[4:]}" for fence in ("----", "--- ", "---\t", "---\n\n", "---yaml", "--- # x", "***")),
    *(f"{before}{_PLAIN}" for before in ("\n", " ", "\ufeff", "\ufeff\ufeff", "\ufeff\n", "# Title\n", "%YAML 1.2\n")),
    *(_HEAD + end for end in ("", "---", "----\nBody.\n", "  ---\nBody.\n", "...\n---\n", "---\n---\n", "# x---\n")),
    _HEAD.rstrip("\n") + _END,
    "---\n---\n{n}\n",
    "---\n{n}\n---\n",
    "---\nname: {n}\nx: a---b\ndescription: About {n}.\n---\n",
    "---\ndescription: About {n}.\nx: a---b\nname: {n}\n---\n",
    # Line ends.
    _PLAIN.replace("\n", "\r\n"),
    _PLAIN.replace("\n", "\r\n").rstrip("\n"),
    _PLAIN.replace("\n", "\r"),
    _PLAIN.rstrip("\n") + "\r",
    "\ufeff" + _PLAIN.replace("\n", "\r\n"),
    _PLAIN.replace("\n", "\r\n", 2),
    _described("Use {n}: when it is so").replace("\n", "\r\n"),
    # Keys.
    "---\nname:{n}\ndescription:About {n}.\n---\n",
    "---\nname : {n}\ndescription : About {n}.\n---\n",
    "---\nname:\t{n}\ndescription:\tAbout {n}.\n---\n",
    "---\n name: {n}\n description: About {n}.\n---\n",
    "---\n  name: {n}\ndescription: About {n}.\n---\n",
    "---\n\tname: {n}\n\tdescription: About {n}.\n---\n",
    "---\nName: {n}\nDescription: About {n}.\n---\n",
    "---\nname: {n}\nDescription: About {n}.\n---\n",
    "---\ndescription: About {n}.\n---\n",
    "---\nname: {n}\n---\n",
    "---\n\"name\": {n}\n'description': About {n}.\n---\n",
    "---\n{name: {n}, description: About {n}.}\n---\n",
    "---\n- name: {n}\n---\n",
    "---\nname: {n}\nname: {n}b\ndescription: About {n}.\n---\n",
    "---\nname: {n}\ndescription: One {n}.\ndescription: Two {n}.\n---\n",
    *map(_named, NAMES),
    *map(_described, DESCRIPTIONS),
    # What else stands in the header.
    _with("", "\t", "# a: comment", "   # indented"),
    _with("just a line"),
    _with("just a line: x"),
    _with("tools:\n\t- Read"),
    _with("x:\n\ty: z"),
    _with("tools: [Read, Bash"),
    _with("tools: *"),
    _with("tools: Bash(git:*), Read"),
    _with("tools:"),
    _with("tools: {}"),
    _with('tools: ""'),
    _with("tools: Read, Bash: x"),
    _with("argument-hint: [a] [b]"),
    _with("x: a: b\n  c"),
    _with('x: "a'),
    _with("x: ["),
    _with("x: |"),
    _with("1: b"),
    _with("? x\n: y"),
    _with("examples:\n  - context: a: b"),
    _with("color: #fff"),
    _with("permissionMode: wild"),
    _with("maxTurns: many"),
    _with("hooks: all"),
    _with("hooks: {}"),
    _with("hooks:"),
    _with("hooks: {PreToolUse: []}"),
    _with("hooks: [a]"),
    _with("hooks: 0"),
)
FEWER: dict[str, str] = {
    _described("&x {n}"): "anchors",
    _described("!x {n}"): "tags",
    _with("x: &x [1]\ny: *x"): "anchors",
    "---\n<<: {name: {n}}\ndescription: About {n}.\n---\n": "merge keys",
    _with("[a]: b"): "a key must be text",
    _with("{a: b}: c"): "a key must be text",
    _named('" "'): "no name",
    _described('" "'): "no description",
}
"""Files that the client reads and agentpack leaves out, each with a word of the reason."""
MORE: tuple[str, ...] = (_described('"About {n}\nmore"'), _described("'About {n}\nmore'"))
"""Files that agentpack takes and the client does not: YAML reads them."""
