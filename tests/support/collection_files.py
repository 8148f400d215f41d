"""Collections in the layouts that people publish, with text of our own."""

import json
from collections.abc import Callable, Mapping, Sequence

Agents = Mapping[str, str]
"""The body of each agent by its name."""
Files = dict[str, str]


def agent_text(name: str, body: str, *, description: str = "Looks after one part of the work.", more: str = "") -> str:
    """An agent file as people write it for Claude Code."""
    return f"---\nname: {name}\ndescription: {description}\n{more}---\n\n{body}\n"


def flat(agents: Agents) -> Files:
    return {f"{name}.md": agent_text(name, body) for name, body in agents.items()}


def categories(agents: Agents) -> Files:
    folders = ("01-core", "02-languages", "03-operations")
    return {
        f"agents/{folders[i % 3]}/{name}.md": agent_text(name, body) for i, (name, body) in enumerate(agents.items())
    }


def top_categories(agents: Agents) -> Files:
    folders = ("engineering", "design")
    return {f"{folders[i % 2]}/{name}.md": agent_text(name, body) for i, (name, body) in enumerate(agents.items())}


def of_claude(agents: Agents) -> Files:
    return {f".claude/agents/{name}.md": agent_text(name, body) for name, body in agents.items()}


def of_copilot(agents: Agents) -> Files:
    manifest = {"$schema": "https://agent-plugins.example/1.0.0", "name": "awesome", "version": "1.2.0"}
    files = {f"agents/{name}.agent.md": agent_text(name, body) for name, body in agents.items()}
    return {"plugin.json": json.dumps(manifest), **files}


def of_apm(agents: Agents) -> Files:
    return {
        "apm.yml": "name: apm-kit\nversion: 0.3.0\nlicense: MIT\n",
        **{f".apm/agents/{name}.agent.md": agent_text(name, body) for name, body in agents.items()},
    }


def agent_plugin(agents: Agents) -> Files:
    manifest = {"$schema": "https://agent-plugins.example/1.0.0", "name": "plugged", "version": "2.0.0"}
    files = {f"com.github.copilot/agents/{name}.agent.md": agent_text(name, body) for name, body in agents.items()}
    return {"plugin.json": json.dumps(manifest), **files}


def marketplace(agents: Agents, *, plugins: int = 3) -> Files:
    """A marketplace whose agents are spread over plugins, beside plugins without any."""
    files: Files = {}
    entries = []
    for number in range(plugins):
        root = f"plugins/kit-{number}"
        entries.append({"name": f"kit-{number}", "source": f"./{root}", "description": f"Kit {number}."})
        files[f"{root}/commands/go.md"] = "---\ndescription: Go.\n---\nGo.\n"
        files[f"{root}/skills/look/SKILL.md"] = "---\nname: look\ndescription: Looks.\n---\nLook.\n"
        manifest = {"name": f"kit-{number}", "version": f"1.{number}.0"}
        files[f"{root}/.claude-plugin/plugin.json"] = json.dumps(manifest)
    entries.append({"name": "only-skills", "source": "./plugins/only-skills"})
    files["plugins/only-skills/skills/see/SKILL.md"] = "---\nname: see\ndescription: Sees.\n---\nSee.\n"
    for number, (name, body) in enumerate(agents.items()):
        files[f"plugins/kit-{number % plugins}/agents/{name}.md"] = agent_text(name, body)
    market = {"name": "market", "owner": {"name": "A team"}, "plugins": entries}
    return {".claude-plugin/marketplace.json": json.dumps(market), **files}


LAYOUTS: Mapping[str, Callable[[Agents], Files]] = {
    "flat": flat,
    "categories": categories,
    "categories at the top": top_categories,
    ".claude/agents": of_claude,
    "awesome-copilot": of_copilot,
    "apm": of_apm,
    "Agent Plugins": agent_plugin,
    "marketplace": marketplace,
}


def beside(count: int) -> Files:
    """Other files of a repository, as many as asked for."""
    kinds: Sequence[tuple[str, str]] = (
        ("docs/page-{}.md", "# A page\n\nText.\n"),
        ("src/module_{}.py", "x = 1\n"),
        ("skills/skill-{}/SKILL.md", "---\nname: a-skill\ndescription: Does.\n---\nDo.\n"),
        ("notes/note-{}.txt", "note\n"),
    )
    return {kinds[n % len(kinds)][0].format(n): kinds[n % len(kinds)][1] for n in range(count)} | {
        "README.md": "# A collection\n\n---\n",
        "LICENSE": "MIT\n",
    }
