"""Policies: what each rule means, where they stand, and that nothing gets past one."""

import io
import json
import os
import pwd
import re
import shutil
import tarfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from zlib import crc32

import pytest
from support.packs import make_pack, persona_text, publish, variant_text
from support.running import Agentpack, Ran
from support.trees import tree, write_tree
from support.users import NOBODY, by_an_ordinary_user

from agentpack.changes.named_release import select_named
from agentpack.environment import Environment, cache_folder, find_scope, platform_folder
from agentpack.errors import InvalidFile, PolicyRefused
from agentpack.model.dates import DAY, seconds
from agentpack.model.manifest import EMPTY
from agentpack.model.names import digest_of
from agentpack.policy.evaluate import ReleaseFacts, read_policy, refusals
from agentpack.policy.evaluate import release_verdicts as judge_facts
from agentpack.policy.policy import Policy, strictest
from agentpack.sources.bundled import bundled_folder, bundled_source
from agentpack.store.validated import ValidatedCache
from agentpack.wanted.policy_check import capabilities_of, enforce, release_facts
from agentpack.workspace.workspace import Workspace

FACTS = ReleaseFacts(
    pack="acme-data",
    version="1.2.0",
    variants=("strict",),
    source="acme",
    place="/srv/packs/acme",
    license="MIT",
    size=1000,
    age=10 * DAY,
    capabilities={"read": "claude", "shell": "claude"},
)


def policy_of(text: str, file: str = "/p.yaml") -> Policy:
    return Policy.from_data(read_policy(text.encode(), file), file)


def refused(text: str, **known: Any) -> list[str]:
    """The rules that refuse."""
    return [verdict.rule for verdict in refusals(judge_facts(policy_of(text), FACTS._replace(**known)))]


# What each rule means.


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("sources: {allow: [acme]}", []),
        ("sources: {allow: [bundled]}", ["sources.allow"]),
        ("sources: {allow: []}", ["sources.allow"]),
        ("sources: {deny: [acme]}", ["sources.deny"]),
        ("sources: {allow: [/srv/packs/*]}", []),
        ("sources: {allow: [/srv/*/acme]}", []),
        ("sources: {allow: [/srv/*]}", []),
        ("sources: {allow: ['/*/acme']}", ["sources.allow"]),
        ("sources: {allow: [/srv/packs/acme/]}", []),
        ("sources: {allow: [/srv/packs]}", ["sources.allow"]),
        ("packs: {allow: ['acme-*']}", []),
        ("packs: {allow: [acme]}", ["packs.allow"]),
        ("packs: {deny: [acme]}", []),
        ("packs: {deny: ['acme-*']}", ["packs.deny"]),
        ("packs: {deny: ['acme-data<1.2']}", []),
        ("packs: {deny: ['acme-data<=1.2']}", ["packs.deny"]),
        ("packs: {deny: ['acme-data==1.*']}", ["packs.deny"]),
        ("packs: {deny: ['acme-data[strict]']}", ["packs.deny"]),
        ("packs: {deny: ['acme-data[loose]']}", []),
        ("maximum_size: 1000", []),
        ("maximum_size: 999", ["maximum_size"]),
        ("maximum_size: 1 KiB", []),
        ("minimum_age: 10", []),
        ("minimum_age: 11 days", ["minimum_age"]),
        ("capabilities: {allow: [read, shell]}", []),
        ("capabilities: {allow: [read]}", ["capabilities.allow"]),
        ("capabilities: {allow: [every-tool]}", []),
        ("capabilities: {deny: [shell]}", ["capabilities.deny"]),
        ("capabilities: {deny: [web, 'mcp:*']}", []),
        ("hidden_text: report", []),
    ],
)
def test_a_rule_refuses_what_it_says(text: str, rules: list[str]) -> None:
    assert refused(text) == rules


def test_a_pre_release_in_a_denied_range_is_denied() -> None:
    assert refused("packs: {deny: ['acme-data<2']}", version="1.9.0rc1") == ["packs.deny"]
    assert refused("packs: {deny: ['acme-data']}", version="2.0.0rc1") == ["packs.deny"]


@pytest.mark.parametrize("age", [None, -1])
def test_a_release_of_unknown_or_future_date_is_too_young(age: int | None) -> None:
    assert refused("minimum_age: 1", age=age) == ["minimum_age"]
    assert refused("minimum_age: 0", age=age) == []


def test_a_size_that_is_not_known_is_too_large() -> None:
    assert refused("maximum_size: 1 GiB", size=None) == ["maximum_size"]


@pytest.mark.parametrize(
    ("allow", "licence", "passes"),
    [
        ("[MIT]", "MIT", True),
        ("[mit]", "MIT", True),
        ("[MIT]", "mit", True),
        ("[MIT]", "MIT OR GPL-3.0-only", True),
        ("[MIT]", "MIT AND GPL-3.0-only", False),
        ("[MIT, Apache-2.0]", "MIT AND Apache-2.0", True),
        ("[MIT]", "(GPL-3.0-only AND MIT) OR (MIT AND Apache-2.0)", False),
        ("[MIT, Apache-2.0]", "(GPL-3.0-only AND MIT) OR (MIT AND Apache-2.0)", True),
        ("[MIT]", "GPL-2.0-only OR MIT AND Apache-2.0", False),
        ("[MIT]", "MIT AND (GPL-2.0-only OR MIT)", True),
        ("[GPL-2.0-only]", "GPL-2.0-only WITH Classpath-exception-2.0", True),
        ("[MIT]", "MIT AND GPL-2.0-only WITH Classpath-exception-2.0", False),
        ("[MIT]", "GPL-2.0-only WITH Classpath-exception-2.0 AND MIT", False),
        ("[GPL-2.0-only WITH Classpath-exception-2.0]", "GPL-2.0-only WITH Classpath-exception-2.0", True),
        ("[GPL-2.0-only WITH Classpath-exception-2.0]", "GPL-2.0-only", False),
        ("[GPL-3.0-only]", "GPL-3.0", True),
        ("[GPL-3.0-or-later]", "GPL-3.0+", True),
        ("[GPL-3.0]", "GPL-3.0-only", True),
        ("[LicenseRef-House]", "LicenseRef-House", True),
        ("[MIT]", None, False),
        ("[MIT]", "free as in beer", False),
        ("[MIT]", "MIT AND", False),
        ("[MIT]", "(" * 900 + "MIT" + ")" * 900, False),
    ],
)
def test_a_licence_expression_is_judged_by_its_parts(allow: str, licence: str | None, passes: bool) -> None:
    assert refused(f"licenses: {{allow: {allow}}}", license=licence) == ([] if passes else ["licenses.allow"])


@pytest.mark.parametrize(
    ("deny", "licence", "passes"),
    [
        ("[GPL-3.0-only]", "GPL-3.0", False),
        ("[GPL-3.0-only]", "MIT OR GPL-3.0-only", True),
        ("[GPL-3.0-only]", "MIT AND GPL-3.0-only", False),
        ("[GPL-2.0-only]", "GPL-2.0-only WITH Classpath-exception-2.0", False),
        ("[Apache-2.0]", "Apache-2.0+", False),
        ("[GPL-3.0-only]", None, True),
    ],
)
def test_a_denied_licence_is_refused_where_no_other_can_be_taken(deny: str, licence: str | None, passes: bool) -> None:
    assert refused(f"licenses: {{deny: {deny}}}", license=licence) == ([] if passes else ["licenses.deny"])


def test_two_policies_that_allow_different_alternatives_leave_none() -> None:
    together = strictest([policy_of("licenses: {allow: [MIT]}", "/a"), policy_of("licenses: {allow: [ISC]}", "/b")])
    assert refusals(judge_facts(together, FACTS._replace(license="MIT OR ISC")))


@pytest.mark.parametrize("word", ["read", "shell", "delegate", "mcp:*", "tool", "tool:*", "tool:x", "every-tool"])
def test_who_may_use_every_tool_may_use_a_denied_one(word: str) -> None:
    assert refused(f"capabilities: {{deny: ['{word}']}}", capabilities={"every-tool": "claude"}) == [
        "capabilities.deny"
    ]


@pytest.mark.parametrize(
    ("denied", "word"),
    [
        ("shell", "shell(git%20*)"),
        ("shell", "shell(*)"),
        ("shell", "shell(plan)"),
        ("shell", "every-tool-but:shell/read-process"),
        ("shell", "every-tool-but:changes"),
        ("edit", "edit/write"),
        ("mcp", "every-tool-but:mcp:github"),
        ("mcp:github", "mcp:github/create_issue"),
        ("mcp:github", "mcp:github~3901d8c58712533b"),
    ],
)
def test_a_part_of_what_is_denied_is_denied_too(denied: str, word: str) -> None:
    assert refused(f"capabilities: {{deny: ['{denied}']}}", capabilities={word: "copilot"}) == ["capabilities.deny"]


@pytest.mark.parametrize("word", ["every-tool-but:shell", "edit", "permission:plan", "model:small", "setting:shell"])
def test_what_has_nothing_of_what_is_denied_passes(word: str) -> None:
    assert refused("capabilities: {deny: [shell]}", capabilities={word: "copilot"}) == []


@pytest.mark.parametrize(
    ("allow", "passes"), [("[read]", True), ("[read, 'model:small']", False), ("[read, 'model:*']", True)]
)
def test_a_list_that_names_no_model_says_nothing_of_models(allow: str, passes: bool) -> None:
    found = refused(f"capabilities: {{allow: {allow}}}", capabilities={"read": "claude", "model:large": "claude"})
    assert found == ([] if passes else ["capabilities.allow"])


@pytest.mark.parametrize("licence", [None, "free as in beer"])
def test_a_licence_that_nobody_can_tell_is_judged_by_what_is_allowed(licence: str | None) -> None:
    """It is not said to be none of those that are denied, too."""
    policy = policy_of("licenses: {allow: [MIT], deny: [ISC]}")
    told = judge_facts(policy, FACTS._replace(license=licence))
    assert [(verdict.rule, verdict.allowed) for verdict in told] == [("licenses.allow", False)]


def test_every_tool_is_not_among_some_tools() -> None:
    some = "capabilities: {allow: [read, search, edit, shell, web, delegate]}"
    assert refused(some, capabilities={"every-tool": "claude"}) == ["capabilities.allow"]
    assert refused("capabilities: {deny: [hooks]}", capabilities={"every-tool": "claude"}) == []


def test_a_verdict_names_the_line_that_decided() -> None:
    policy = policy_of("packs:\n  deny:\n    - other\n    - acme-data<2\n")
    (verdict,) = judge_facts(policy, FACTS)
    assert (verdict.allowed, verdict.file, verdict.line) == (False, "/p.yaml", 4)


def test_a_widening_is_accepted_where_every_list_has_it() -> None:
    one, other = policy_of("capabilities: {accept: [shell, 'mcp:*']}"), policy_of("capabilities: {accept: [shell]}")
    silent = policy_of("minimum_age: 3")
    assert strictest([one, silent]).accepts_widening("mcp:github")
    assert strictest([one, other]).accepts_widening("shell")
    assert not strictest([one, other]).accepts_widening("mcp:github")
    assert not silent.accepts_widening("shell")


# What may be written.


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("license: {}", "unknown key `license` (did you mean `licenses`?)"),
        ("sources: {alow: [a]}", "sources.alow: unknown key `alow` (did you mean `allow`?)"),
        ("packs: {accept: [a]}", "packs.accept: unknown key `accept`"),
        ("packs: {allow: }", "packs.allow: expected a list, found nothing"),
        ("packs: {allow: acme}", "packs.allow: expected a list"),
        ("packs: {allow: ['Acme']}", "packs.allow[0]: `Acme` is not normalized"),
        ("packs: {allow: ['acme<2']}", "packs.allow[0]"),
        ("packs: {deny: ['acme-*<2']}", "packs.deny[0]"),
        ("packs: {deny: ['acme @ https://example.com/x']}", "packs.deny[0]"),
        ("licenses: {allow: [MTI]}", "did you mean `MIT`?"),
        ("licenses: {allow: ['MIT OR ISC']}", "write one licence per line"),
        ("capabilities: {deny: [shel]}", "did you mean `shell`?"),
        ("capabilities: {deny: ['mpc:*']}", "did you mean `mcp:*`?"),
        ("hidden_text: ignore", "expected `refuse` or `report`"),
        ("minimum_age: -1", "minimum_age"),
        ("minimum_age: soon", "`soon` is not a number of days"),
        ("minimum_age: true", "minimum_age: expected a whole number"),
        ("maximum_size: 1 KB2", "is not a size"),
        ("sources: {allow: [Not Good]}", "sources.allow[0]"),
        ("sources: {deny: [../packs]}", "sources.deny[0]: `../packs` is not a full path or URL"),
        ("sources: {deny: [~/packs]}", "sources.deny[0]: `~/packs` is not a full path or URL"),
        ("sources: {allow: [packs/*]}", "sources.allow[0]"),
        ("schema: 2", "schema 2 is newer"),
        ("- packs", "expected a map of keys and values"),
    ],
)
def test_what_a_policy_cannot_say_is_a_fault_with_its_line(text: str, fault: str) -> None:
    with pytest.raises(InvalidFile) as error:
        read_policy(text.encode(), "/p.yaml")
    assert fault in error.value.details[0]
    assert error.value.details[0].startswith("/p.yaml:1:")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("1970-01-02", DAY),
        ("2026-11-23", 1795392000),
        ("2026-11-23T00:00:01Z", 1795392001),
        ("2026-02-29", None),
        ("2026-13-01", None),
        ("2026-11-23T24:00:00Z", None),
        ("yesterday", None),
    ],
)
def test_a_moment_is_read_or_is_none(text: str, moment: int | None) -> None:
    assert seconds(text) == moment


# The real command, and where policies stand.


@pytest.fixture
def packs(tmp_path: Path) -> Path:
    """A folder of packs: data-reviewer 1.0.0, twenty days old, and 2.0.0, of today."""
    folder = publish(tmp_path / "packs", make_pack(version="1.0.0", license="MIT"), make_pack(version="2.0.0"))
    age(folder / "data-reviewer/1.0.0", 20)
    return folder


def age(folder: Path, days: float) -> None:
    now = seconds(Environment.current().now())
    assert now is not None
    for path in folder.rglob("*"):
        os.utime(path, (now - days * DAY, now - days * DAY))


def by_user(text: str) -> Path:
    path = Path(os.environ["XDG_CONFIG_HOME"]) / "agentpack/policy.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def by_project(project: Path, text: str) -> Path:
    path = project / "agentpack.yaml"
    kept = path.read_text() if path.exists() else "schema: 1\nclients: [claude]\n"
    path.write_text(f"{kept}policy:\n" + "".join(f"  {line}\n" for line in text.splitlines()))
    return path


@pytest.fixture
def by_organisation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    def write(text: str) -> Path:
        path = tmp_path / "organisation.yaml"
        path.write_text(text)
        monkeypatch.setenv("AGENTPACK_POLICY", str(path))
        return path

    return write


def error_of(ran: Ran) -> Mapping[str, Any]:
    (error,) = ran.envelope["errors"]
    assert isinstance(error, dict)
    return error


def install(agentpack: Agentpack, packs: Path, what: str = "data-reviewer", *more: str, expect: int | None = 0) -> Ran:
    return agentpack("install", what, "--source", str(packs), "--client", "claude", *more, expect=expect)


REFUSING = {
    "sources.allow": "sources: {allow: [bundled]}",
    "sources.deny": "sources: {deny: [packs]}",
    "packs.allow": "packs: {allow: ['acme-*']}",
    "packs.deny": "packs: {deny: ['data-reviewer<2']}",
    "licenses.allow": "licenses: {allow: [Apache-2.0]}",
    "licenses.deny": "licenses: {deny: [MIT]}",
    "minimum_age": "minimum_age: 21 days",
    "maximum_size": "maximum_size: 10",
}


ALLOWING = """\
sources: {allow: [packs], deny: [nowhere]}
packs: {allow: [data-reviewer], deny: [nothing]}
licenses: {allow: [MIT], deny: [ISC]}
minimum_age: 0
maximum_size: 1 GiB
"""


@pytest.mark.many
@pytest.mark.parametrize("place", ["project", "user", "organisation"])
@pytest.mark.parametrize("rule", REFUSING)
def test_each_rule_in_each_place_refuses_an_install(
    agentpack: Agentpack, project: Path, packs: Path, by_organisation: Any, place: str, rule: str
) -> None:
    """Whatever the other two allow."""
    text = REFUSING[rule]
    places = {"user": by_user, "organisation": by_organisation, "project": lambda said: by_project(project, said)}
    for other in places.keys() - {place}:
        places[other](ALLOWING)
    file = places[place](text)
    before = tree(project)
    error = error_of(install(agentpack, packs, "data-reviewer==1.0.0", "--json", expect=5))
    assert error["code"] == "policy"
    line = file.read_text().splitlines().index(("  " if place == "project" else "") + text) + 1
    assert f"`{rule}` ({file}:{line})" in error["message"]
    assert "data-reviewer 1.0.0" in error["message"]
    assert error["hint"] == "`agentpack policy explain data-reviewer@1.0.0` shows the result of each setting"
    assert {path: data for path, data in tree(project).items() if not path.startswith(".agentpack")} == before


def test_what_all_policies_allow_is_installed(
    agentpack: Agentpack, project: Path, packs: Path, by_organisation: Any
) -> None:
    by_user("licenses: {allow: [MIT, ISC]}\n")
    by_organisation("minimum_age: 14 days\nmaximum_size: 1 MiB\npacks: {allow: [data-*]}\n")
    by_project(project, "sources: {allow: [packs]}")
    ran = install(agentpack, packs)
    assert "skipped data-reviewer 2.0.0: it was released today; 14 days must have passed" in ran.err
    assert "version: 1.0.0" in agentpack("status").out or "data-reviewer 1.0.0" in agentpack("status").out
    assert "policy" not in json.loads((project / "agentpack.lock").read_text())["manifest"]


def test_what_is_passed_over_is_told_of_its_own_pack_alone(agentpack: Agentpack, packs: Path) -> None:
    age(publish(packs, make_pack("acme", personas={"acme": persona_text("acme")})) / "acme", 20)
    by_user("minimum_age: 14\n")
    install(agentpack, packs, "acme")
    assert install(agentpack, packs).err.count("skipped data-reviewer") == 1
    assert agentpack("upgrade", "--yes").err.count("skipped data-reviewer") == 1
    install(agentpack, packs, "data-reviewer<2")
    assert "skipped" not in agentpack("upgrade", "--yes").err


def test_an_uninstall_brings_no_denied_release_into_the_lock_though_its_text_is_there(
    agentpack: Agentpack, project: Path, packs: Path
) -> None:
    publish(packs, make_pack("acme", license="MIT", personas={"acme": persona_text("acme")}))
    install(agentpack, packs, "data-reviewer==1.0.0")
    install(agentpack, packs, "acme")
    by_user("licenses: {allow: [MIT]}\n")
    manifest = project / "agentpack.yaml"
    manifest.write_text(manifest.read_text().replace("==1.0.0", "==2.0.0"))
    assert "it has no licence" in agentpack("uninstall", "acme", expect=5).err
    manifest.write_text(manifest.read_text().replace("==2.0.0", "==1.0.0"))
    agentpack("uninstall", "acme")


def test_taking_out_a_pack_asks_no_policy_of_another_one_that_stays_as_it_is(
    agentpack: Agentpack, project: Path, packs: Path
) -> None:
    """Whatever becomes of a third one; one whose file would be written again is asked about."""
    publish(packs, *(make_pack(name, personas={name: persona_text(name)}) for name in ("acme", "extra")))
    install(agentpack, packs, "data-reviewer==1.0.0")
    for name in ("acme", "extra"):
        install(agentpack, packs, name)
    by_user("packs: {deny: [data-reviewer]}\n")
    (project / ".claude/agents/extra.md").unlink()
    agentpack("uninstall", "acme")
    assert (project / ".claude/agents/extra.md").exists()
    (project / ".claude/agents/reviewer.md").unlink()
    assert "data-reviewer 1.0.0 is refused by `packs.deny`" in agentpack("uninstall", "extra", expect=5).err


def test_each_setting_that_lets_a_release_pass_is_explained(agentpack: Agentpack, packs: Path) -> None:
    by_user(ALLOWING.replace("age: 0", "age: 14") + "capabilities: {allow: [every-tool], deny: [hooks]}\n")
    install(agentpack, packs, "data-reviewer==1.0.0")
    rows = agentpack("policy", "explain", "data-reviewer==1.0.0").out
    for rule in (*REFUSING, "capabilities.allow", "capabilities.deny"):
        assert rule in rows


def test_a_pack_that_is_required_is_judged_too(agentpack: Agentpack, packs: Path) -> None:
    publish(
        packs,
        make_pack("lead", license="MIT", requires=["data-reviewer==2.0.0"], personas={"lead": persona_text("lead")}),
    )
    by_user("licenses: {allow: [MIT]}\n")
    error = error_of(install(agentpack, packs, "lead", "--json", expect=5))
    assert "data-reviewer 2.0.0 is refused by `licenses.allow`" in error["message"]


def test_the_plain_install_of_a_bundled_pack_obeys(agentpack: Agentpack, project: Path) -> None:
    by_user("packs: {deny: [python-engineer]}\n")
    ran = agentpack("install", "python-engineer", real=True, expect=5)
    assert "`packs.deny`" in ran.err
    assert not (project / "agentpack.yaml").exists()


@pytest.mark.many
@pytest.mark.parametrize("command", ["sync", "sync --locked", "sync --frozen", "sync --check", "lock", "upgrade --yes"])
@pytest.mark.parametrize("place", ["project", "user"])
def test_every_command_that_installs_obeys(
    agentpack: Agentpack, project: Path, packs: Path, command: str, place: str
) -> None:
    install(agentpack, packs)
    text = "packs: {deny: [data-reviewer]}"
    by_user(text + "\n") if place == "user" else by_project(project, text)
    before = tree(project)
    assert "`packs.deny`" in agentpack(*command.split(), real=True, expect=5).err
    assert {**tree(project), **before} == tree(project)


@pytest.mark.parametrize(
    "command", ["diff", "status", "history", "rollback --dry-run", "rollback", "show data-reviewer"]
)
def test_looking_and_going_back_work_against_a_policy(agentpack: Agentpack, packs: Path, command: str) -> None:
    install(agentpack, packs)
    by_user("packs: {deny: [data-reviewer]}\n")
    agentpack(*command.split())


def test_what_is_against_the_policy_can_be_taken_out_one_by_one(
    agentpack: Agentpack, project: Path, packs: Path
) -> None:
    publish(packs, make_pack("lead", personas={"lead": persona_text("lead")}))
    install(agentpack, packs)
    install(agentpack, packs, "lead")
    by_user("packs: {deny: ['*']}\n")
    agentpack("uninstall", "lead")
    assert not (project / ".claude/agents/lead.md").exists()
    agentpack("uninstall", "data-reviewer")
    assert not (project / ".claude/agents/reviewer.md").exists()


def test_a_clone_takes_out_one_of_two_that_are_against_the_policy(
    agentpack: Agentpack, project: Path, packs: Path
) -> None:
    import shutil

    publish(packs, make_pack("lead", personas={"lead": persona_text("lead")}))
    install(agentpack, packs)
    install(agentpack, packs, "lead")
    shutil.rmtree(project / ".agentpack")
    by_user("packs: {deny: ['*']}\n")
    agentpack("uninstall", "lead", "--dry-run")
    (project / ".claude/agents/reviewer.md").unlink()  # which would be written again
    assert "data-reviewer 2.0.0 is refused" in agentpack("uninstall", "lead", expect=5).err


def test_taking_a_variant_out_writes_no_text_of_a_pack_against_the_policy(
    agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    packs = publish(
        tmp_path / "packs", make_pack(variants={"reviewer/strict": variant_text("- Strictly. {#strictly}\n")})
    )
    install(agentpack, packs, "data-reviewer[strict]")
    by_user("packs: {deny: [data-reviewer]}\n")
    before = tree(project)
    assert "data-reviewer 1.0.0 is refused" in agentpack("uninstall", "data-reviewer[strict]", expect=5).err
    assert tree(project) == before
    agentpack("uninstall", "data-reviewer")
    assert not (project / ".claude/agents/reviewer.md").exists()


def test_an_upgrade_leads_away_from_what_is_denied(agentpack: Agentpack, packs: Path) -> None:
    install(agentpack, packs, "data-reviewer==1.0.0")
    by_user("packs: {deny: ['data-reviewer<2']}\n")
    agentpack("sync", expect=5)
    agentpack("upgrade", "--latest", "--yes")
    agentpack("sync", "--check")


def test_taking_out_a_pack_brings_none_in(agentpack: Agentpack, project: Path, packs: Path) -> None:
    publish(packs, make_pack("lead", personas={"lead": persona_text("lead")}))
    install(agentpack, packs)
    by_user("packs: {deny: [lead]}\n")
    manifest = project / "agentpack.yaml"
    manifest.write_text(manifest.read_text() + "  - lead\n")
    assert "lead 1.0.0 is refused" in agentpack("uninstall", "data-reviewer", expect=5).err


def test_status_says_what_is_against_the_policy(agentpack: Agentpack, packs: Path) -> None:
    install(agentpack, packs)
    file = by_user("packs:\n  deny: [data-reviewer]\n")
    out = agentpack("status").out
    assert (
        f"policy    data-reviewer 2.0.0: packs.deny: pack `data-reviewer` is denied by `data-reviewer` ({file}:2)"
        in out
    )
    (refusal,) = agentpack("status", "--json").envelope["data"]["refused"]
    assert (refusal["pack"], refusal["rule"], refusal["line"]) == ("data-reviewer", "packs.deny", 2)


def test_adopting_a_file_that_is_a_release_obeys(agentpack: Agentpack, project: Path, packs: Path) -> None:
    install(agentpack, packs)
    agentpack("uninstall", "data-reviewer", "--keep-files")
    by_project(project, "packs: {deny: [data-reviewer]}")
    assert "`packs.deny`" in agentpack("adopt", ".claude/agents/reviewer.md", expect=5).err


def test_a_list_that_allows_nothing_is_shown_as_such(agentpack: Agentpack, project: Path) -> None:
    (project / "agentpack.yaml").write_text("schema: 1\npolicy: {licenses: {allow: []}}\n")
    assert agentpack("policy").out == f"licenses.allow       nothing  ({project}/agentpack.yaml:2)\n"


def test_a_file_of_ones_own_is_adopted_whatever_licence_and_age_are_asked_for(
    agentpack: Agentpack, project: Path
) -> None:
    by_user("licenses: {allow: [MIT]}\nminimum_age: 14\n")
    place = project / ".claude/agents/mine.md"
    place.parent.mkdir(parents=True)
    place.write_text("---\nname: mine\ndescription: Mine.\n---\nLook.\n")
    agentpack("adopt", ".claude/agents/mine.md")
    agentpack("sync")
    assert "policy" not in agentpack("status").out


def publish_own(project: Path, **header: Any) -> None:
    """A pack of somebody else's, where `adopt` keeps packs, in a project that was cloned."""
    folder = publish(project / ".agentpack/packs", make_pack(version="0.1.0", **header))
    age(folder, 0.5)
    own_manifest(project, ".agentpack/packs")


@pytest.mark.parametrize("policy", ["licenses: {allow: [MIT]}", "licenses: {deny: [GPL-3.0-only]}", "minimum_age: 30"])
def test_a_pack_that_a_clone_brings_is_nobody_s_own(agentpack: Agentpack, project: Path, policy: str) -> None:
    by_user(policy + "\n")
    publish_own(project, license="GPL-3.0-only")
    key = "minimum_age" if "age" in policy else policy.split("{")[1].split(":")[0]
    assert key in agentpack("sync", expect=5).err
    (project / ".claude/agents").mkdir(parents=True)
    (project / ".claude/agents/mine.md").write_text("---\nname: mine\ndescription: Mine.\n---\nLook.\n")
    assert key in agentpack("adopt", ".claude/agents/mine.md", expect=5).err


def test_nor_is_one_without_a_licence(agentpack: Agentpack, project: Path) -> None:
    by_user("licenses: {allow: [MIT]}\n")
    publish_own(project)
    assert "it has no licence" in agentpack("sync", expect=5).err


def adopted(agentpack: Agentpack, project: Path) -> Path:
    """The `pack.yaml` of a pack that `adopt` made here, of an agent that two clients have."""
    for folder, name in ((".opencode", ""), (".claude", "name: mine\n")):
        place = project / folder / "agents/mine.md"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(f"---\n{name}description: Mine.\n---\nLook.\n")
    agentpack("adopt", ".opencode/agents/mine.md", ".claude/agents/mine.md")
    (manifest,) = (project / ".agentpack/packs/mine").rglob("pack.yaml")
    return manifest


def test_a_collection_that_was_adopted_here_is_one_s_own_and_one_of_a_clone_is_not(
    agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    def write(name: str) -> None:
        place = project / f".claude/agents/{name}.md"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(f"---\nname: {name}\ndescription: Mine.\n---\nLook.\n")

    by_user("minimum_age: 14\nlicenses: {allow: [MIT]}\n")
    for name in ("mine", "more"):
        write(name)
        agentpack("adopt")
    clone = tmp_path / "clone"
    shutil.copytree(project, clone, ignore=shutil.ignore_patterns("state", ".claude"))
    assert "it has no licence" in agentpack("sync", cwd=clone, expect=5).err
    (project / ".agentpack/packs/team-agents/agents/mine.md").write_text(
        "---\nname: mine\ndescription: Mine.\n---\nLook twice.\n"
    )
    agentpack("upgrade", "--yes")
    assert "twice" in (project / ".claude/agents/mine.md").read_text()


def test_a_licence_that_an_adopted_pack_names_is_judged(agentpack: Agentpack, project: Path) -> None:
    by_user("licenses: {allow: [MIT]}\nminimum_age: 14\n")
    manifest = adopted(agentpack, project)
    manifest.write_text(manifest.read_text() + "license: GPL-3.0-only\n")
    ran = agentpack("lock", "--upgrade-pack", "mine", expect=5)
    assert "licence `GPL-3.0-only` is not in the allowed list" in ran.err
    manifest.write_text(manifest.read_text().replace("GPL-3.0-only", "MIT"))
    agentpack("lock", "--upgrade-pack", "mine")


def test_what_was_adopted_elsewhere_is_judged_like_any_pack(agentpack: Agentpack, project: Path) -> None:
    adopted(agentpack, project)
    by_user("minimum_age: 14\n")
    agentpack("sync")
    shutil.rmtree(project / ".agentpack/state")
    assert "`minimum_age`" in agentpack("sync", expect=5).err


def test_a_pack_beside_one_that_was_adopted_is_judged(agentpack: Agentpack, project: Path) -> None:
    by_user("minimum_age: 14\n")
    adopted(agentpack, project)
    publish(project / ".agentpack/packs", make_pack(version="0.1.0"))
    assert "`minimum_age`" in agentpack("install", "data-reviewer", expect=5).err


def test_a_link_to_packs_in_the_place_of_one_s_own_makes_them_nobody_s(
    agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    by_user("licenses: {allow: [MIT]}\n")
    place = adopted(agentpack, project).parent
    place.rename(place.parent / "elsewhere")
    place.symlink_to("elsewhere")
    assert "it has no licence" in agentpack("sync", expect=5).err


def test_what_a_user_adopted_is_his_own_in_his_home_too(agentpack: Agentpack, home: Path) -> None:
    by_user("licenses: {allow: [MIT]}\nminimum_age: 14\n")
    place = home / ".claude/agents/mine.md"
    place.parent.mkdir(parents=True)
    place.write_text("---\nname: mine\ndescription: Mine.\n---\nLook.\n")
    agentpack("adopt", "--user", str(place))
    agentpack("sync", "--user")


def test_a_source_does_not_become_the_bundled_one_by_its_name(agentpack: Agentpack, project: Path, packs: Path) -> None:
    by_user("sources: {allow: [bundled]}\n")
    (project / "agentpack.yaml").write_text(
        f"schema: 1\nclients: [claude]\nsources: [{{name: bundled, path: {packs}}}]\npacks: [data-reviewer]\n"
    )
    assert "`bundled` is reserved for the packs that come with agentpack" in agentpack("sync", expect=2).err


def test_nor_does_one_in_a_lock(agentpack: Agentpack, project: Path, packs: Path) -> None:
    install(agentpack, packs)
    lock = project / "agentpack.lock"
    lock.write_text(lock.read_text().replace('"packs",', '"bundled",').replace(': "packs"', ': "bundled"'))
    assert '"source": "bundled"' in lock.read_text()
    by_user("sources: {allow: [bundled]}\n")
    assert "`sources` has changed since" in agentpack("sync", "--frozen", expect=3).err
    (project / "agentpack.yaml").unlink()  # nothing is left to hold the lock against
    assert "`sources.allow`" in agentpack("sync", "--frozen", expect=5).err


# Places. A project can spell a place as it likes, and put links anywhere.


def own_manifest(project: Path, path: str) -> None:
    """A project with a source of its own at this path."""
    text = f"schema: 1\nclients: [claude]\nsources: [{{name: x, path: '{path}'}}]\npacks: [data-reviewer]\n"
    (project / "agentpack.yaml").write_text(text)


def linked(project: Path, packs: Path) -> str:
    (project / "link").symlink_to(packs)
    return "link"


def linked_twice(project: Path, packs: Path) -> str:
    (project / "one").symlink_to(packs.parent)
    (project / "two").symlink_to("one")
    return "two/packs"


PLACES: Mapping[str, Callable[[Path, Path], str]] = {
    "plain": lambda project, packs: str(packs),
    "two slashes": lambda project, packs: f"/{packs}",
    "three slashes": lambda project, packs: f"//{packs}",
    "relative": lambda project, packs: os.path.relpath(packs, project),
    "a way round": lambda project, packs: f"{packs}/../packs/.",
    "a pack in it": lambda project, packs: f"{packs}/data-reviewer",
    "a release in it": lambda project, packs: f"{packs}/data-reviewer/1.0.0",
    "a link": linked,
    "a link to a link": linked_twice,
}
if os.path.exists("/proc/self/root"):
    PLACES = {**PLACES, "a root of a process": lambda project, packs: f"/proc/self/root{packs}"}


@pytest.mark.many
@pytest.mark.untraced
@pytest.mark.parametrize("entry", ["{packs}", "{packs}/", "{packs}/*", "{parent}/*/data-reviewer/*", "{link}"])
@pytest.mark.parametrize("way", PLACES)
def test_a_denied_place_is_denied_however_it_is_spelled(
    agentpack: Agentpack, project: Path, packs: Path, tmp_path: Path, by_organisation: Any, way: str, entry: str
) -> None:
    (tmp_path / "linked").symlink_to(packs)
    by_organisation(
        f"sources: {{deny: ['{entry.format(packs=packs, parent=packs.parent, link=tmp_path / 'linked')}']}}\n"
    )
    own_manifest(project, PLACES[way](project, packs))
    assert "`sources.deny`" in agentpack("sync", expect=5).err
    assert not (project / ".claude").exists()


@pytest.mark.parametrize("way", [way for way in PLACES if "link" in way])
def test_what_is_allowed_is_where_a_link_leads_and_not_where_it_stands(
    agentpack: Agentpack, project: Path, packs: Path, by_organisation: Any, way: str
) -> None:
    own_manifest(project, PLACES[way](project, packs))
    by_organisation(f"sources: {{allow: ['{project}/*']}}\n")
    err = agentpack("sync", expect=5).err
    assert "`sources.allow`" in err
    assert f"at {packs}" in err
    by_organisation(f"sources: {{allow: ['{packs}/*']}}\n")
    agentpack("sync")


@pytest.mark.parametrize("way", [way for way in PLACES if "link" not in way and "in it" not in way])
def test_an_allowed_place_is_allowed_however_it_is_spelled(
    agentpack: Agentpack, project: Path, packs: Path, by_organisation: Any, way: str
) -> None:
    by_organisation(f"sources: {{allow: ['{packs}']}}\n")
    own_manifest(project, PLACES[way](project, packs))
    agentpack("sync")


def test_a_denied_pack_is_denied_by_way_of_the_folder_above(
    agentpack: Agentpack, project: Path, packs: Path, by_organisation: Any
) -> None:
    by_organisation(f"sources: {{deny: ['{packs}/data-reviewer']}}\n")
    own_manifest(project, str(packs))
    assert "`sources.deny`" in agentpack("sync", expect=5).err


@pytest.mark.parametrize("entry", ["alias", "alias/", "alias/*", "alias/1.0.0", "alias/1*", "al*", "packs/data-r*/*"])
def test_a_denied_link_to_a_pack_or_a_release_denies_it_in_its_source(
    agentpack: Agentpack, project: Path, packs: Path, tmp_path: Path, by_organisation: Any, entry: str
) -> None:
    (tmp_path / "alias").symlink_to(packs / "data-reviewer")
    by_organisation(f"sources: {{deny: ['{tmp_path}/{entry}']}}\n")
    own_manifest(project, str(packs))
    ran = install(agentpack, packs, "data-reviewer==1.0.0", expect=0 if entry == "al*" else 5)
    assert ("`sources.deny`" in ran.err) == (entry != "al*")  # a pattern finds names, not where links lead


@pytest.mark.many
@pytest.mark.parametrize("any_folder", [False, True])
@pytest.mark.parametrize("entry", ["li*ed", "li*ed/data-reviewer/1.0.0", "pa*ks", "packs/data-*er/1.0.0"])
def test_a_pattern_finds_the_place_and_the_release_as_they_are_named_and_as_they_are(
    agentpack: Agentpack, project: Path, packs: Path, tmp_path: Path, by_organisation: Any, entry: str, any_folder: bool
) -> None:
    (tmp_path / "linked").symlink_to(packs)
    own_manifest(project, str(tmp_path / "linked"))
    above = "/".join(("", "*", *tmp_path.parts[2:])) if any_folder else f"{tmp_path}"
    by_organisation(f"sources: {{deny: ['{above}/{entry}']}}\n")
    refused = agentpack("install", "data-reviewer==1.0.0", expect=5).err
    assert f"data-reviewer 1.0.0 is refused by `sources.deny` ({tmp_path}/organisation.yaml:1)" in refused
    by_organisation(f"sources: {{deny: ['{above}/{entry}x']}}\n")
    agentpack("install", "data-reviewer==1.0.0")


def test_a_collection_elsewhere_is_not_denied_for_the_folder_a_user_is_in(
    agentpack: Agentpack, project: Path, tmp_path: Path, by_organisation: Any
) -> None:
    write_tree(tmp_path / "kit", {"agents/one.md": "---\nname: one\ndescription: Works.\n---\nWork.\n"})
    by_organisation(f"sources: {{deny: ['{project}']}}\n")
    agentpack("install", str(tmp_path / "kit"), "--client", "claude")
    by_organisation(f"sources: {{deny: ['{tmp_path}/kit']}}\n")
    assert "`sources.deny`" in agentpack("sync", expect=5).err


def test_a_neighbour_of_a_denied_place_is_not_denied(
    agentpack: Agentpack, project: Path, packs: Path, by_organisation: Any
) -> None:
    by_organisation(f"sources: {{deny: ['{packs}-2', '{packs}/data', '{packs.parent}/p', 'https://packs/*']}}\n")
    own_manifest(project, str(packs))
    agentpack("sync")


def test_nor_is_one_that_exists(agentpack: Agentpack, project: Path, packs: Path, by_organisation: Any) -> None:
    near = [f"{packs}-2", f"{packs}/data", f"{packs.parent}/p", f"{packs}/data-reviewer/1", str(project)]
    for folder in near:
        Path(folder).mkdir(exist_ok=True)
    by_organisation(f"sources: {{deny: {near}}}\n")
    own_manifest(project, str(packs))
    agentpack("sync")


# Ages.


def test_a_release_that_is_too_young_is_passed_over_until_it_is_old_enough(agentpack: Agentpack, packs: Path) -> None:
    by_user("minimum_age: 14\n")
    install(agentpack, packs)
    assert "skipped data-reviewer 2.0.0" in agentpack("upgrade", "--yes").err
    assert "skipped" not in agentpack("sync").err
    age(packs / "data-reviewer/2.0.0", 15)
    assert "data-reviewer 1.0.0 -> 2.0.0" in agentpack("upgrade", "--yes").err


def test_a_young_release_older_than_the_one_that_is_taken_is_not_told(agentpack: Agentpack, packs: Path) -> None:
    by_user("minimum_age: 14\n")
    age(packs / "data-reviewer/1.0.0", 1)
    age(packs / "data-reviewer/2.0.0", 20)
    assert "skipped" not in install(agentpack, packs).err
    publish(packs, make_pack(version="3.0.0"))
    told = "note: skipped data-reviewer 3.0.0: it was released today; 14 days must have passed "
    told += "(~/.config/agentpack/policy.yaml:1)"
    assert [line for line in agentpack("upgrade", "--yes").err.splitlines() if "skipped" in line] == [told]


def test_upgrading_past_the_range_takes_none_that_is_too_young(
    agentpack: Agentpack, project: Path, packs: Path
) -> None:
    by_user("minimum_age: 14\n")
    install(agentpack, packs, "data-reviewer<2")
    agentpack("upgrade", "--latest", "--yes")
    assert "data-reviewer<2" in (project / "agentpack.yaml").read_text()


def test_a_young_release_that_nobody_asks_for_is_not_told(agentpack: Agentpack, packs: Path) -> None:
    by_user("minimum_age: 14\n")
    assert "skipped" not in install(agentpack, packs, "data-reviewer<2").err
    assert "skipped" not in agentpack("sync").err


def test_only_releases_after_the_one_that_is_installed_are_told_as_skipped(agentpack: Agentpack, packs: Path) -> None:
    age(packs / "data-reviewer/2.0.0", 20)
    publish(packs, *(make_pack(version=version) for version in ("1.5.0", "2.1.0", "3.0.0")))
    by_user("minimum_age: 14\n")
    why = "it was released today; 14 days must have passed (~/.config/agentpack/policy.yaml:1)"
    every = [f"note: skipped data-reviewer {version}: {why}" for version in ("2.1.0", "3.0.0")]
    for words in (("install", "data-reviewer", "--source", str(packs), "--client", "claude"), ("upgrade", "--yes")):
        assert [line for line in agentpack(*words).err.splitlines() if "skipped" in line] == every
    err = agentpack("install", "data-reviewer<3").err
    assert [line for line in err.splitlines() if "skipped" in line] == []
    err = agentpack("upgrade", "--yes").err
    assert [line for line in err.splitlines() if "skipped" in line] == every[:1]


def test_a_young_release_of_a_pack_that_another_one_brings_along_is_told(agentpack: Agentpack, packs: Path) -> None:
    top = {"top": persona_text("top")}
    publish(packs, make_pack("top", personas=top, requires=["data-reviewer"]), make_pack(version="3.0.0"))
    age(packs / "top", 20)
    by_user("minimum_age: 14\n")
    why = "it was released today; 14 days must have passed (~/.config/agentpack/policy.yaml:1)"
    assert [line for line in install(agentpack, packs, "top").err.splitlines() if "skipped" in line] == [
        f"note: skipped data-reviewer {version}: {why}" for version in ("2.0.0", "3.0.0")
    ]


def test_a_young_release_that_is_asked_for_by_name_is_refused_and_told(agentpack: Agentpack, packs: Path) -> None:
    by_user("minimum_age: 14\n")
    err = install(agentpack, packs, "data-reviewer>=2", expect=5).err
    assert "data-reviewer 2.0.0 is refused by `minimum_age` (~/.config/agentpack/policy.yaml:1)" in err
    assert "no release of `data-reviewer` matches `>=3`" in install(agentpack, packs, "data-reviewer>=3", expect=4).err


def test_a_file_from_the_future_is_too_young(agentpack: Agentpack, packs: Path) -> None:
    by_user("minimum_age: 1\n")
    age(packs / "data-reviewer/2.0.0", -3)
    assert "its release date is in the future" in install(agentpack, packs, "data-reviewer==2.0.0", expect=5).err


def test_a_release_is_as_young_as_its_newest_file(agentpack: Agentpack, packs: Path) -> None:
    by_user("minimum_age: 14\n")
    manifest, persona = (packs / "data-reviewer/2.0.0" / name for name in ("pack.yaml", "personas/reviewer.md"))
    now = persona.stat().st_mtime
    for old, young in ((manifest, persona), (persona, manifest)):
        os.utime(old, (now - 20 * DAY, now - 20 * DAY))
        os.utime(young, (now, now))
        assert "refused by `minimum_age`" in install(agentpack, packs, "data-reviewer==2.0.0", expect=5).err
    age(packs / "data-reviewer/2.0.0", 20)
    install(agentpack, packs, "data-reviewer==2.0.0")


def test_an_archive_is_as_young_as_itself(agentpack: Agentpack, tmp_path: Path) -> None:
    by_user("minimum_age: 14\n")
    folder = tmp_path / "archives"
    folder.mkdir()
    path = folder / "data-reviewer-2.0.0.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name, data in make_pack(version="2.0.0").items():
            row = tarfile.TarInfo(f"data-reviewer-2.0.0/{name}")
            row.size = len(data)
            archive.addfile(row, io.BytesIO(data))  # of 1970, as it says
    assert "refused by `minimum_age`" in install(agentpack, folder, "data-reviewer", expect=5).err
    os.utime(path, (path.stat().st_mtime - 15 * DAY,) * 2)
    install(agentpack, folder, "data-reviewer")


def test_a_young_release_that_is_installed_already_stays(agentpack: Agentpack, packs: Path) -> None:
    install(agentpack, packs)
    by_user("minimum_age: 14\n")
    assert "data-reviewer 2.0.0 ->" not in agentpack("sync").err
    agentpack("sync", "--check")
    assert "it is installed here already" in agentpack("policy", "explain", "data-reviewer==2.0.0").out


def test_explain_says_why_an_age_is_enough(agentpack: Agentpack, project: Path, packs: Path) -> None:
    install(agentpack, packs, "data-reviewer==1.0.0")

    def explained(asked: str, expect: int = 0) -> tuple[str, str]:
        ran = agentpack("policy", "explain", asked, expect=expect)
        return ran.out.replace(f" ({file}:1)\n", "\n"), ran.err.removeprefix(f"project {project}\n")

    file = by_user("minimum_age: 14\n")
    rule = "minimum_age        it was released"
    old = f"data-reviewer 1.0.0: allowed\n  ok       {rule} 20 days ago; 14 days must have passed\n"
    young = "skipped data-reviewer 2.0.0: it was released today; 14 days must have passed\n"
    assert explained("data-reviewer") == (old, young)
    assert explained("data-reviewer==1.0.0") == (old, young)
    refused = f"data-reviewer 2.0.0: refused\n  refused  {rule} today; 14 days must have passed\n"
    for asked in ("data-reviewer==2.0.0", "data-reviewer>=2"):
        assert explained(asked, expect=5) == (refused, "")
    by_user("minimum_age: 25\n")
    kept = "data-reviewer 1.0.0: allowed\n  ok       minimum_age        it is installed here already\n"
    assert explained("data-reviewer") == (kept, young.replace("14", "25"))


def test_a_young_release_that_only_the_lock_has_is_refused(agentpack: Agentpack, project: Path, packs: Path) -> None:
    install(agentpack, packs)
    shutil.rmtree(project / ".agentpack")
    by_user("minimum_age: 14\n")
    for command in (["sync"], ["sync", "--locked"], ["sync", "--frozen"], ["lock"]):
        assert "data-reviewer 2.0.0 is refused by `minimum_age`" in agentpack(*command, expect=5).err


def test_a_release_whose_bytes_were_exchanged_was_not_installed_here(
    agentpack: Agentpack, project: Path, packs: Path
) -> None:
    install(agentpack, packs)
    lock = project / "agentpack.lock"
    before = json.loads(lock.read_text())["packs"][0]["digest"]
    publish(packs, make_pack(version="2.0.0", personas={"reviewer": persona_text("reviewer", "Other text.\n")}))
    clone = project.parent / "clone"
    shutil.copytree(project, clone, ignore=shutil.ignore_patterns("state", ".claude"))
    # what the old bytes allowed, nothing here says any more
    agentpack("lock", "--upgrade-pack", "data-reviewer", "--accept", "every-tool", cwd=clone)
    shutil.copy(clone / "agentpack.lock", lock)  # somebody else's lock comes in
    assert json.loads(lock.read_text())["packs"][0]["digest"] != before
    by_user("minimum_age: 14\n")
    assert "data-reviewer 2.0.0 is refused by `minimum_age`" in agentpack("sync", expect=5).err


def test_every_bundled_release_has_its_date_and_nothing_else_has() -> None:
    """`packs/released.json` is written by hand, with the digest."""
    folder = Path(bundled_folder() or "")
    dates = json.loads((folder / "released.json").read_text())
    pinned = json.loads((folder / "digests.json").read_text())
    assert {name: set(of) for name, of in dates.items()} == {name: set(of) for name, of in pinned.items()}
    source = bundled_source()
    assert source is not None
    assert all(source.released(ref) for name in source.packs() for ref in source.releases(name))


# Capabilities.


def test_a_denied_server_is_denied_where_the_agent_s_file_defines_it(
    agentpack: Agentpack, project: Path, packs: Path
) -> None:
    by_user("capabilities: {deny: ['mcp:tickets']}\n")
    servers = {"claude": {"mcpServers": [{"tickets": {"command": "serve-tickets"}}]}}
    publish(packs, make_pack(version="3.0.0", personas={"reviewer": persona_text(tools=["read"], clients=servers)}))
    assert "is denied by `mcp:tickets`" in install(agentpack, packs, "data-reviewer==3.0.0", expect=5).err
    assert not (project / ".claude").exists()


# With a file made by hand.


def test_what_the_files_may_do_is_judged(project: Path, packs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    by_user("capabilities: {deny: [web]}\n")
    monkeypatch.chdir(project)
    (project / "agentpack.yaml").write_text(f"schema: 1\nclients: [claude]\nsources: [{{name: acme, path: {packs}}}]\n")
    environment = Environment.current()
    workspace = Workspace(environment, find_scope(environment))
    asked = select_named(workspace, "data-reviewer")
    made = asked.for_clients(("claude",)).render()
    able = {path: file._replace(capabilities=("read", "web")) for path, file in made.files.items()}
    made = made._replace(files=able)
    (pack,) = made.lock.packs
    words = capabilities_of(made)[pack.name]
    assert release_facts(asked.candidates, pack, words).capabilities == {"read": "claude", "web": "claude"}
    with pytest.raises(PolicyRefused) as error:
        enforce(asked.candidates, made, allow_installed=False)
    assert "`web` (claude) is denied by `web`" in error.value.details[0]


# What is decided about hidden text.


def policy_here(project: Path, monkeypatch: pytest.MonkeyPatch) -> Policy:
    monkeypatch.chdir(project)
    environment = Environment.current()
    return Workspace(environment, find_scope(environment)).policies.strictest


def test_hidden_text_is_refused_unless_user_or_organisation_say_otherwise(
    project: Path, by_organisation: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not policy_here(project, monkeypatch).reports_hidden_text
    by_user("hidden_text: report\n")
    assert policy_here(project, monkeypatch).reports_hidden_text
    by_organisation("hidden_text: refuse\n")
    assert not policy_here(project, monkeypatch).reports_hidden_text


def test_a_project_may_refuse_it_for_itself(agentpack: Agentpack, project: Path) -> None:
    by_user("hidden_text: report\n")
    by_project(project, "hidden_text: refuse")
    agentpack("install", "python-engineer")
    assert "hidden_text" in agentpack("policy", "explain").out


def test_a_project_may_not_loosen_it(agentpack: Agentpack, project: Path) -> None:
    by_project(project, "hidden_text: report")
    ran = agentpack("install", "python-engineer", expect=2)
    assert "agentpack.yaml:4: policy.hidden_text: a project cannot choose" in ran.err


def test_a_project_that_loosens_it_is_told_where(agentpack: Agentpack, project: Path) -> None:
    (project / "agentpack.yaml").write_text("schema: 1\npolicy:\n  hidden_text: report\n")
    for words in (("sync",), ("install", "python-reviewer")):
        assert agentpack(*words, expect=2).err == (
            f"project {project}\n"
            "error: agentpack.yaml:3: policy.hidden_text: a project cannot choose to only report hidden text\n"
            "hint: the user's or the organisation's policy can set `hidden_text: report`\n"
        )


def test_the_manifest_of_the_user_may_loosen_it(agentpack: Agentpack) -> None:
    """It is as much the user's own as their policy."""
    folder = Path(os.environ["XDG_CONFIG_HOME"]) / "agentpack"
    folder.mkdir(parents=True)
    by_project(folder, "hidden_text: report")
    agentpack("install", "python-engineer", "--user")
    assert "hidden_text          report" in agentpack("policy", "explain", "--user").out


# Policies that cannot be read.


def folder_in_its_place(path: Path) -> None:
    path.mkdir()


def world_writable(path: Path) -> None:
    path.write_text("minimum_age: 0\n")
    path.chmod(0o666)


def in_a_folder_of_everybody(path: Path) -> None:
    path.write_text("minimum_age: 0\n")
    path.parent.chmod(0o777)


def endless(path: Path) -> None:
    os.mkfifo(path)


BROKEN: Mapping[str, tuple[Callable[[Path], object], str]] = {
    "no YAML": (lambda path: path.write_text("packs: ["), "not valid YAML"),
    "unknown key": (lambda path: path.write_text("pack: {}\n"), "unknown key `pack`"),
    "folder": (folder_in_its_place, "is a folder"),
    "dangling link": (lambda path: path.symlink_to("/nowhere/at/all"), "No such file"),
    "loop": (lambda path: path.symlink_to(path), "symbolic links"),
    "10 MB": (lambda path: path.write_bytes(b"#" * 10_000_000), "longer than 256 KiB"),
    "no UTF-8": (lambda path: path.write_bytes(b"packs: {allow: [\xff]}\n"), "not UTF-8"),
    "no text": (lambda path: path.write_bytes(b"\0\0\0"), "not valid YAML"),
    "aliases": (lambda path: path.write_text("packs: &a {}\nsources: *a\n"), "anchors"),
    "everybody's": (world_writable, "every user can write to"),
    "in everybody's folder": (in_a_folder_of_everybody, "every user can replace"),
    "pipe": (endless, "is not a regular file"),
}
CHANGING = ("install python-engineer", "uninstall data-reviewer", "sync", "lock", "upgrade --yes", "rollback")


@pytest.mark.parametrize("place", ["user", "organisation"])
@pytest.mark.parametrize("kind", BROKEN)
@pytest.mark.campaign
def test_a_policy_that_cannot_be_read_stops_every_change(
    agentpack: Agentpack, project: Path, tmp_path: Path, packs: Path, monkeypatch: Any, place: str, kind: str
) -> None:
    install(agentpack, packs)
    path = tmp_path / "set/policy.yaml"
    if place == "user":
        path = Path(os.environ["XDG_CONFIG_HOME"]) / "agentpack/policy.yaml"
    else:
        monkeypatch.setenv("AGENTPACK_POLICY", str(path))
    path.parent.mkdir(parents=True)
    make_it, words = BROKEN[kind]
    make_it(path)
    before = tree(project)
    for command in CHANGING:
        error = error_of(agentpack(*command.split(), "--json", expect=5))
        assert error["code"] == "policy-unreadable"
        assert words in error["details"][0]
        assert str(path) in error["details"][0]
    assert tree(project) == before
    assert words in agentpack("policy", "explain").out
    assert agentpack("policy", "explain", "data-reviewer", expect=5).out == ""
    assert "policy" in {f["what"] for f in agentpack("doctor", "--json", expect=1).envelope["data"]["findings"]}
    assert words in agentpack("status").out
    for command in ("--version", "--help", "diff", "history"):
        agentpack(command)


IN_THE_WAY: Mapping[str, tuple[str, Callable[[Path], object], str]] = {
    "the folder is a dangling link": ("agentpack", lambda path: path.symlink_to("/nowhere/at/all"), "is a broken link"),
    "the folder is a file": ("agentpack", lambda path: path.write_text("x"), "is not a folder"),
    "the folder is a circle": ("agentpack", lambda path: path.symlink_to(path), "symbolic links"),
    "the folder above is a dangling link": ("", lambda path: path.symlink_to("/nowhere/at/all"), "is a broken link"),
    "the folder above is a file": ("", lambda path: path.write_text("x"), "is not a folder"),
    "a folder further out is a dangling link": ("..", lambda path: path.symlink_to("/nowhere"), "is a broken link"),
}


@pytest.mark.many
@pytest.mark.parametrize("kind", IN_THE_WAY)
def test_where_nobody_can_tell_whether_there_is_a_policy_there_is_one(
    agentpack: Agentpack, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    agentpack("install", "python-engineer")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "a/b"))
    place, make_it, words = IN_THE_WAY[kind]
    path = Path(os.path.normpath(tmp_path / "a/b" / place))
    path.parent.mkdir(parents=True, exist_ok=True)
    make_it(path)
    error = error_of(agentpack("install", "python-reviewer", "--json", expect=5))
    assert error["code"] == "policy-unreadable"
    assert words in error["details"][0]
    assert str(path) in error["details"][0]
    agentpack("sync", "--check", real=True, expect=5)
    found = agentpack("doctor", "--json", expect=1).envelope["data"]["findings"]
    assert {"config", "policy"} <= {finding["what"] for finding in found if finding["level"] == "problem"}


@pytest.mark.parametrize("config", ["/nowhere/at/all", "/dev/null/.config", ""])
def test_where_there_is_plainly_no_folder_there_is_no_policy(
    agentpack: Agentpack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: str
) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to("there")
    monkeypatch.setenv("XDG_CONFIG_HOME", config or str(tmp_path / "link"))
    agentpack("install", "python-engineer")


def test_no_cache_loosens_a_policy(agentpack: Agentpack, project: Path, packs: Path, home: Path) -> None:
    by_user("licenses: {allow: [MIT, Apache-2.0]}\n")
    agentpack("install", "python-engineer", real=True)
    by_user("packs: {deny: [data-reviewer]}\n")
    (project / "agentpack.yaml").unlink()
    agentpack("install", "data-reviewer", "--source", str(packs), real=True, expect=5)
    for path in (home / ".cache/agentpack").glob("*/*"):
        path.write_bytes(b"%08x\n{}" % crc32(b"{}"))
    agentpack("install", "data-reviewer", "--source", str(packs), real=True, expect=5)


@pytest.mark.parametrize("named", ["policy.yaml", "./policy.yaml", " ", "~/policy.yaml"])
def test_a_relative_path_is_no_policy(agentpack: Agentpack, project: Path, monkeypatch: Any, named: str) -> None:
    (project / "policy.yaml").write_text("minimum_age: 0\n")
    monkeypatch.setenv("AGENTPACK_POLICY", named)
    error = error_of(agentpack("install", "python-engineer", "--json", expect=5))
    assert error["code"] == "policy-unreadable"
    assert "not an absolute path" in error["details"][0]


def test_a_policy_that_does_not_exist_is_not_none(agentpack: Agentpack, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("AGENTPACK_POLICY", str(tmp_path / "gone.yaml"))
    assert error_of(agentpack("install", "python-engineer", "--json", expect=5))["code"] == "policy-unreadable"
    agentpack("install", "python-engineer", real=True, expect=5)


def test_an_empty_value_names_no_policy(agentpack: Agentpack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTPACK_POLICY", "")
    agentpack("install", "python-engineer")
    agentpack("sync", "--check", real=True)
    assert "no policy is set" in agentpack("policy", "explain").err


class Homes(NamedTuple):
    """A home of an ordinary user and one of somebody else, each with a policy that this user may not read."""

    own: Path
    foreign: Path
    project: Path


@pytest.fixture
def homes(monkeypatch: pytest.MonkeyPatch) -> Iterator[Homes]:
    """Run by an ordinary user, the foreign home is the administrator's."""
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    with TemporaryDirectory() as folder:
        made = [Path(folder) / name for name in ("own", "foreign", "project")]
        for home in made[:2]:
            write_tree(home / ".config/agentpack", {"policy.yaml": "packs: {allow: []}\n"})
        write_tree(made[2], {"agentpack.yaml": "schema: 1\nclients: [claude]\npacks: [python-engineer]\n"})
        if os.geteuid() == 0:
            Path(folder).chmod(0o755)
            for place in (made[0], made[2], *made[0].rglob("*"), *made[2].rglob("*")):
                os.chown(place, NOBODY, NOBODY)
        else:
            made[1] = Path("/root")
            if os.access(made[1], os.X_OK) or not made[1].is_dir():
                pytest.skip("there is no closed home of another user")
        yield Homes(*made)


def codes(project: Path, *commands: str) -> Callable[[], None]:
    """Run commands, each with the exit code that it must have before it."""

    def work() -> None:
        for command in commands:
            code, *words = command.split()
            Agentpack(project)(*words, expect=int(code))

    return work


INSTALLS = ("0 install python-engineer", "0 sync", "0 sync --check", "0 policy explain", "0 status")
REFUSES = ("5 install python-engineer", "5 sync", "5 sync --check", "0 policy explain", "0 status", "1 doctor")


@pytest.fixture
def warm(agentpack: Agentpack, monkeypatch: pytest.MonkeyPatch) -> None:
    """What these commands import is imported: the ordinary user may not see where the interpreter is."""
    codes(agentpack.folder, *INSTALLS, "0 diff", "0 doctor")()
    with monkeypatch.context() as patch:
        patch.setenv("AGENTPACK_POLICY", "/nowhere/at/all")
        codes(agentpack.folder, *REFUSES)()


@pytest.mark.many
@pytest.mark.usefixtures("warm")
@pytest.mark.parametrize("closed", ["file", "home", "home around it"])
def test_a_closed_policy_in_somebody_else_s_home_counts_as_absent(
    homes: Homes, monkeypatch: pytest.MonkeyPatch, closed: str
) -> None:
    home = homes.foreign / "below" if closed == "home around it" else homes.foreign
    if os.geteuid() == 0:
        (home / ".config/agentpack/policy.yaml" if closed == "file" else homes.foreign).chmod(0o600)
    monkeypatch.setenv("HOME", str(home))
    assert by_an_ordinary_user(codes(homes.project, *INSTALLS)) == 0


@pytest.mark.many
@pytest.mark.usefixtures("warm")
@pytest.mark.parametrize("closed", [".config/agentpack/policy.yaml", ".config/agentpack", ".config", "."])
def test_a_closed_policy_in_one_s_own_home_allows_nothing(
    homes: Homes, monkeypatch: pytest.MonkeyPatch, closed: str
) -> None:
    (homes.own / closed).chmod(0)
    monkeypatch.setenv("HOME", str(homes.own))
    try:
        assert by_an_ordinary_user(codes(homes.project, *REFUSES)) == 0
    finally:
        (homes.own / closed).chmod(0o700)


@pytest.mark.usefixtures("warm")
@pytest.mark.parametrize("variable", ["AGENTPACK_POLICY", "XDG_CONFIG_HOME"])
def test_a_closed_policy_that_a_variable_names_allows_nothing_whoever_s_it_is(
    homes: Homes, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    if os.geteuid() == 0:
        homes.foreign.chmod(0o700)
    config = homes.foreign / ".config"
    home = homes.foreign if variable == "AGENTPACK_POLICY" else homes.own
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv(variable, str(config / "agentpack/policy.yaml" if home is homes.foreign else config))
    if variable == "XDG_CONFIG_HOME":
        (homes.own / ".config/agentpack/policy.yaml").unlink()
    assert by_an_ordinary_user(codes(homes.project, *REFUSES)) == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives a home away")
def test_a_policy_in_somebody_else_s_home_that_can_be_read_holds(
    agentpack: Agentpack, homes: Homes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(homes.own))
    agentpack("install", "python-engineer", expect=5)


@pytest.mark.many
@pytest.mark.parametrize(
    ("writable", "mode"), [("far/policy.yaml", 0o666), ("far", 0o777), ("near", 0o777)], ids=["file", "folder", "link"]
)
@pytest.mark.parametrize("named", ["near/policy.yaml", "far/policy.yaml"], ids=["by a link", "itself"])
def test_a_policy_that_everybody_could_write_or_exchange_allows_nothing(
    agentpack: Agentpack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writable: str, mode: int, named: str
) -> None:
    """Whoever can put another file in its place decides what may be installed."""
    write_tree(tmp_path, {"far/policy.yaml": "packs: {allow: [python-engineer]}\n", "near/x": ""})
    (tmp_path / "near/policy.yaml").symlink_to(tmp_path / "far/policy.yaml")
    monkeypatch.setenv("AGENTPACK_POLICY", str(tmp_path / named))
    command = ("install", "python-engineer", "--dry-run")
    agentpack(*command)
    (tmp_path / writable).chmod(mode)
    if writable.startswith("far") or named.startswith("near"):
        hint = re.search(r"\(chmod o-w (.*)\)", agentpack(*command, expect=5).err)
        assert hint is not None
        (tmp_path / writable).chmod(mode | 0o1000)  # in a folder like /tmp, each may exchange his own files only
        agentpack(*command, expect=5 if writable.endswith(".yaml") else 0)
        (tmp_path / writable).chmod(mode)
        Path(hint[1]).chmod(mode & ~0o002)
    agentpack(*command)


@pytest.mark.parametrize("home", [None, ""])
def test_without_a_home_the_user_s_own_is_looked_for_in_the_list_of_users(
    monkeypatch: pytest.MonkeyPatch, home: str | None
) -> None:
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.delenv("HOME") if home is None else monkeypatch.setenv("HOME", home)
    assert platform_folder("config") == f"{pwd.getpwuid(os.getuid()).pw_dir}/.config/agentpack"


def test_a_relative_configuration_folder_is_none(
    agentpack: Agentpack, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tree(project / "there/agentpack", {"policy.yaml": "hidden_text: report\n"})
    monkeypatch.setenv("XDG_CONFIG_HOME", "there")
    assert "no policy is set" in agentpack("policy", "explain").err


def test_a_check_on_the_hot_path_is_not_asked_where_there_is_a_policy(agentpack: Agentpack, project: Path) -> None:
    agentpack("install", "python-engineer")
    by_user("packs: {deny: [python-engineer]}\n")
    agentpack("sync", "--check", real=True, expect=5)
    agentpack("diff", real=True)


# policy explain


def test_explain_tells_each_setting_with_its_line(agentpack: Agentpack, project: Path, by_organisation: Any) -> None:
    user = by_user("minimum_age: 3\nlicenses:\n  allow:\n    - MIT\n")
    organisation = by_organisation("minimum_age: 14 days\nmaximum_size: 256 KiB\n")
    own = by_project(project, "packs: {deny: ['x-*']}")
    data = agentpack("policy", "explain", "--json").envelope["data"]
    assert data["files"] == sorted(map(str, (user, organisation, own)))
    assert [(s["rule"], s["values"], s["file"], s["line"]) for s in data["settings"]] == [
        ("packs.deny", ["x-*"], str(own), 4),
        ("licenses.allow", ["MIT"], str(user), 3),
        ("minimum_age", [14], str(organisation), 1),
        ("maximum_size", [262144], str(organisation), 2),
    ]
    out = agentpack("policy", "explain").out
    assert f"minimum_age          14 days  ({organisation}:1)\n" in out


def test_explain_without_any_policy_says_so(agentpack: Agentpack) -> None:
    assert "no policy is set" in agentpack("policy", "explain").err
    assert "no policy setting applies to it" in agentpack("policy", "explain", "python-engineer").err


def test_explain_judges_a_pack_by_every_rule(agentpack: Agentpack, packs: Path, project: Path) -> None:
    (project / "agentpack.yaml").write_text(f"schema: 1\nclients: [claude]\nsources: [{{name: acme, path: {packs}}}]\n")
    file = by_user("minimum_age: 14\nlicenses:\n  allow: [ISC]\nmaximum_size: 1 MiB\n")
    ran = agentpack("policy", "explain", "data-reviewer", "--json", expect=5)
    (pack,) = ran.envelope["data"]["packs"]
    assert pack["version"] == "1.0.0"
    assert [(v["rule"], v["allowed"], v["line"]) for v in pack["verdicts"]] == [
        ("licenses.allow", False, 3),
        ("minimum_age", True, 1),
        ("maximum_size", True, 4),
    ]
    assert {v["file"] for v in pack["verdicts"]} == {str(file)}
    assert [p["version"] for p in ran.envelope["data"]["passed_over"]] == ["2.0.0"]
    young = agentpack("policy", "explain", "data-reviewer>=2", "--json", expect=5).envelope["data"]["packs"]
    assert [v["rule"] for v in young[0]["verdicts"] if not v["allowed"]] == ["licenses.allow", "minimum_age"]


def test_explain_of_a_pack_that_needs_a_refused_one_ends_with_5(
    agentpack: Agentpack, packs: Path, project: Path
) -> None:
    publish(packs, make_pack("lead", requires=["data-reviewer"], personas={"lead": persona_text("lead")}))
    (project / "agentpack.yaml").write_text(f"schema: 1\nclients: [claude]\nsources: [{{name: acme, path: {packs}}}]\n")
    by_user("packs: {deny: [data-reviewer]}\n")
    told = agentpack("policy", "explain", "lead", "--json", expect=5).envelope["data"]["packs"]
    assert [one["pack"] for one in told] == ["lead", "data-reviewer"]


def test_explain_passes_over_what_is_too_young_and_not_needed(agentpack: Agentpack, packs: Path, project: Path) -> None:
    """A newer release would need a pack of which every release is too young: the older one is judged."""
    lead = {"lead": persona_text("lead")}
    publish(
        packs, make_pack("lead", "1.0.0", personas=lead), make_pack("young", personas={"young": persona_text("young")})
    )
    publish(packs, make_pack("lead", "1.1.0", personas=lead, requires=["young"]))
    age(packs / "lead", 20)
    (project / "agentpack.yaml").write_text(f"schema: 1\nclients: [claude]\nsources: [{{name: acme, path: {packs}}}]\n")
    by_user("minimum_age: 14\n")
    data = agentpack("policy", "explain", "lead", "--json").envelope["data"]
    assert [(pack["pack"], pack["version"]) for pack in data["packs"]] == [("lead", "1.0.0")]
    assert data["passed_over"] == []


def test_explain_of_an_allowed_pack_ends_with_0(agentpack: Agentpack) -> None:
    by_user("licenses: {allow: [MIT]}\n")
    assert "python-engineer 3.0.0: allowed" in agentpack("policy", "explain", "python-engineer").out
    assert agentpack("policy", "explain", "no-such-pack", expect=4).out == ""


def test_a_policy_survives_a_manifest_that_is_edited(agentpack: Agentpack, project: Path) -> None:
    by_project(project, "# ours\nlicenses: {allow: [MIT]}\nminimum_age: 0")
    agentpack("install", "python-engineer")
    text = (project / "agentpack.yaml").read_text()
    assert "policy:\n  # ours\n  licenses: {allow: [MIT]}\n" in text
    assert (
        agentpack("policy", "explain", "--json").envelope["data"]["settings"][0]["line"]
        == text[: text.index("  licenses")].count("\n") + 1
    )


def test_a_changed_policy_makes_no_lock_stale(agentpack: Agentpack, project: Path) -> None:
    agentpack("install", "python-engineer")
    before = (project / "agentpack.lock").read_bytes()
    by_project(project, "licenses: {allow: [MIT]}")
    agentpack("sync", "--locked")
    agentpack("sync")
    assert (project / "agentpack.lock").read_bytes() == before


def test_hidden_text_passes_where_user_or_organisation_say_report(
    agentpack: Agentpack, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden = persona_text(body="You help.\u200b {#identity}\n")
    publish(
        tmp_path / "packs", make_pack("quiet", personas={"helper": hidden.replace("name: reviewer", "name: helper")})
    )
    words = ("install", "quiet", "--source", str(tmp_path / "packs"))
    assert agentpack(*words, "--json", expect=5).envelope["errors"][0]["code"] == "hidden-text"
    policy = tmp_path / "policy.yaml"
    policy.write_text("schema: 1\nhidden_text: report\n")
    monkeypatch.setenv("AGENTPACK_POLICY", str(policy))
    assert "allowed by the policy" in agentpack(*words).err
    assert "\u200b" in (project / ".claude/agents/helper.md").read_text(encoding="utf-8")
    monkeypatch.delenv("AGENTPACK_POLICY")
    assert agentpack("sync", "--json", expect=5).envelope["errors"][0]["code"] == "hidden-text"


@pytest.mark.parametrize("said", ["maximum_size: 1 MiB", "hidden_text: refuse"])
def test_a_policy_that_does_not_say_report_lets_no_hidden_text_pass(
    agentpack: Agentpack, project: Path, tmp_path: Path, said: str
) -> None:
    by_user(f"{said}\n")
    write_tree(tmp_path / "kit", {"agents/helper.md": "---\nname: helper\ndescription: Helps.\n---\nHel\u200bp.\n"})
    publish(tmp_path / "packs", make_pack(personas={"reviewer": persona_text(body="You help.\u200b {#identity}\n")}))
    for words in (("data-reviewer", "--source", str(tmp_path / "packs")), (str(tmp_path / "kit"),)):
        error = error_of(agentpack("install", *words, "--client", "claude", "--json", expect=5))
        assert error["code"] == "hidden-text"
    assert tree(project) == {}


@pytest.mark.parametrize("key", ["policy", '"pol\\x69cy"'])
def test_a_policy_is_read_from_its_text_whatever_was_kept_of_it(agentpack: Agentpack, project: Path, key: str) -> None:
    text = f"schema: 1\n{key}: {{packs: {{deny: [python-engineer]}}}}\npacks: []\n".encode()
    (project / "agentpack.yaml").write_bytes(text)
    agentpack("status")
    ValidatedCache(cache_folder()).put("manifest", digest_of(text), EMPTY.checked_data())
    assert "python-engineer" in agentpack("install", "python-engineer", expect=5).err


def test_a_denied_variant_is_denied_as_a_local_one_too(agentpack: Agentpack, project: Path) -> None:
    write_tree(project, {".agentpack/variants/python-engineer/mine.md": variant_text("- Mine. {#mine}\n")})
    by_user("packs: {deny: ['python-engineer[mine]']}\n")
    ran = agentpack("install", "python-engineer[mine]", expect=5)
    assert "is refused by `packs.deny`" in ran.err
    assert not (project / ".claude").exists()
    agentpack("install", "python-engineer")
