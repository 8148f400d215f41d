"""Ask one client what it gives to agents. Runs in a network namespace that reaches nothing else.

`python asking.py CLIENT` reads a `Question` as JSON from standard input. A fake model on the loopback address starts
every agent once and keeps the client's requests. Each client also gets two MCP servers. Printed is `{agent: tools, or
null if there is no such agent}`. If the question names a skill, the only agent loads it with its first answer, and its
requests are printed: `[{"tools": [...], "text": all texts of the request}]`.

Standard library only, because the interpreter may have nothing else.
"""

import fcntl
import json
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import takewhile
from pathlib import Path
from typing import Any, NamedTuple

SERVERS = {"srv": "one,two", "my-other": "one"}
"""The MCP servers that every client gets, and their tools."""
PATH = "/usr/local/bin:/usr/bin:/bin"
LATE = 300
"""Seconds to wait for a client."""
Tools = dict[str, list[str] | None]
Requests = list[dict[str, Any]]
Call = tuple[str, dict[str, str]]
"""A tool and its arguments."""


class Question(NamedTuple):
    """What is asked of a client."""

    program: list[str]
    """The command that runs the client."""
    agents: list[str]
    files: dict[str, str]
    """Texts by their path in the folder that has `home` and `project`; an agent's file is named after it."""
    skill: str | None = None


class Words(NamedTuple):
    """How a model calls a client's tools."""

    start: str
    """The tool that starts an agent."""
    agent: str
    """Its argument for the agent's name."""
    load: str
    """The tool that loads a skill."""
    skill: str
    """Its argument for the skill's name."""


WORDS = {
    "claude": Words("Agent", "subagent_type", "Skill", "skill"),
    "gemini": Words("invoke_agent", "agent_name", "activate_skill", "name"),
    "opencode": Words("task", "subagent_type", "skill", "name"),
}


def loopback() -> None:
    """Bring up the loopback device of a fresh network namespace."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(any_socket, 0x8913, request))[1]
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh14x", b"lo", flags | 1))


def serve_tools(names: str) -> None:
    """An MCP server on standard input and output that lists these tools."""
    tools = [{"name": name, "description": name, "inputSchema": {"type": "object"}} for name in names.split(",")]
    for line in sys.stdin:
        message = json.loads(line)
        if "id" not in message:
            continue
        result: dict[str, Any] = {}
        if message["method"] == "initialize":
            version = message["params"]["protocolVersion"]
            info = {"name": "judged", "version": "1"}
            result = {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": info}
        elif message["method"] == "tools/list":
            result = {"tools": tools}
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}), flush=True)


class Model:
    """A fake model endpoint that keeps every request and streams the events that `answer` returns."""

    def __init__(self, answer: Callable[[dict[str, Any]], list[Any]]) -> None:
        self.requests: Requests = []
        requests = self.requests

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.reply("application/json", b'{"data": []}')

            def do_HEAD(self) -> None:
                self.reply("application/json", b"")

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)) or b"{}")
                requests.append(body)
                lines = []
                for event in answer(body):
                    head = f"event: {event['type']}\n" if "type" in event else ""
                    lines.append(f"{head}data: {event if isinstance(event, str) else json.dumps(event)}\n\n")
                self.reply("text/event-stream", "".join(lines).encode())

            def reply(self, kind: str, content: bytes) -> None:
                self.send_response(200)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()


def servers() -> dict[str, list[str]]:
    """The command of each MCP server."""
    return {name: [sys.executable, __file__, "--serve", tools] for name, tools in SERVERS.items()}


def task(agent: str) -> str:
    """The task of an agent, which identifies its requests."""
    return f"TASK-{agent}-OF"


def tasked(texts: Any) -> str | None:
    """The agent whose task is in these texts."""
    found = re.search(r"TASK-(\w+)-OF", json.dumps(texts))
    return found[1] if found else None


def opening(body: dict[str, Any]) -> list[Any]:
    """The messages before the model's first answer."""
    messages = body.get("messages") or body.get("contents") or []
    return list(takewhile(lambda message: message["role"] not in ("assistant", "model"), messages))


class Player:
    """What the fake model calls: first every agent, then each agent the skill, if there is one."""

    def __init__(self, client: str, question: Question) -> None:
        self.words = WORDS[client]
        self.agents = question.agents
        self.skill = question.skill
        self.started = False
        self.loaded: set[str] = set()

    def calls(self, body: dict[str, Any], tools: list[str]) -> list[Call]:
        """The calls that answer a request with these tools; none if it is done."""
        words = self.words
        if not self.started and words.start in tools:
            self.started = True
            more = {"description": "x"} if words.agent == "subagent_type" else {}
            return [(words.start, {words.agent: agent, "prompt": task(agent), **more}) for agent in self.agents]
        agent = tasked(opening(body))
        if self.skill and agent and agent not in self.loaded:
            self.loaded.add(agent)
            return [(words.load, {words.skill: self.skill})]
        return []


def turns(requests: Requests, question: Question, names: Callable[[dict[str, Any]], list[str]]) -> Requests:
    """The tools and all texts of each request for the question's only agent."""
    asked = [body for body in requests if tasked(opening(body)) == question.agents[0]]
    return [{"tools": names(body), "text": "\n".join(strings(body))} for body in asked]


def strings(value: Any) -> Iterator[str]:
    """Every text in a value of JSON."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from strings(one)


def run(program: list[str], folder: Path, home: Path, *, asked: str = "", **more: str) -> str:
    """Run the client with this input and return its output on both streams."""
    env = {"PATH": PATH, "HOME": str(home), "LANG": "C.UTF-8", "TERM": "dumb", "CI": "1", "DO_NOT_TRACK": "1", **more}
    done = subprocess.run(program, cwd=folder, env=env, input=asked, capture_output=True, text=True, timeout=LATE)
    return done.stdout + done.stderr


def place(folder: Path, files: Mapping[str, str]) -> Path:
    """Write the files, and return the project among them."""
    for name in ("home", "project"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, newline="")
    return folder / "project"


# Claude Code.


def claude_events(body: dict[str, Any], blocks: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    message: dict[str, Any] = {
        "id": "m",
        "type": "message",
        "role": "assistant",
        "model": body.get("model"),
        "content": [],
    }
    usage = {"input_tokens": 1, "output_tokens": 1}
    start = {**message, "model": body.get("model"), "stop_reason": None, "usage": usage}
    yield {"type": "message_start", "message": start}
    for index, block in enumerate(blocks):
        if block["type"] == "text":
            empty, delta = {**block, "text": ""}, {"type": "text_delta", "text": block["text"]}
        else:
            empty, delta = (
                {**block, "input": {}},
                {"type": "input_json_delta", "partial_json": json.dumps(block["input"])},
            )
        yield {"type": "content_block_start", "index": index, "content_block": empty}
        yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    reason = "tool_use" if blocks[-1]["type"] == "tool_use" else "end_turn"
    yield {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": usage}
    yield {"type": "message_stop"}


def claude_listed(question: Question, folder: Path) -> list[dict[str, str]]:
    """Every agent that the client lists, with its name and description."""
    project = place(folder, question.files)
    request = {"type": "control_request", "request_id": "judged", "request": {"subtype": "initialize"}}
    words = ["-p", "--input-format", "stream-json", "--output-format", "stream-json", "--verbose"]
    said = run(
        [*question.program, *words],
        project,
        folder / "home",
        asked=json.dumps(request) + "\n",
        DISABLE_AUTOUPDATER="1",
        CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC="1",
    )
    answers = (json.loads(line) for line in said.splitlines() if line.startswith("{"))
    found = [answer["response"]["response"]["agents"] for answer in answers if answer["type"] == "control_response"]
    return [{"name": agent["name"], "description": agent["description"]} for agent in found[0]]


def claude_names(body: dict[str, Any]) -> list[str]:
    return sorted(tool["name"] for tool in body.get("tools", []))


def claude(question: Question, folder: Path) -> Tools | Requests:
    """The tools of each agent; none for one that the client does not start because its list comes to nothing."""
    project = place(folder, question.files)
    (folder / "mcp.json").write_text(
        json.dumps({"mcpServers": {name: {"command": call[0], "args": call[1:]} for name, call in servers().items()}})
    )
    player = Player("claude", question)

    def answer(body: dict[str, Any]) -> list[Any]:
        blocks: list[dict[str, Any]] = [
            {"type": "tool_use", "id": f"toolu_{call.get('subagent_type', 'skill')}", "name": name, "input": call}
            for name, call in player.calls(body, claude_names(body))
        ]
        return list(claude_events(body, blocks or [{"type": "text", "text": "done"}]))

    model = Model(answer)
    run(
        [*question.program, "-p", "start", "--mcp-config", str(folder / "mcp.json"), "--strict-mcp-config"],
        project,
        folder / "home",
        ANTHROPIC_BASE_URL=model.address,
        ANTHROPIC_API_KEY="not-a-key",
        DISABLE_AUTOUPDATER="1",
        CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC="1",
        # every tool is sent, and an agent answers where it is started
        ENABLE_TOOL_SEARCH="false",
        CLAUDE_CODE_DISABLE_BACKGROUND_TASKS="1",
        CLAUDE_CODE_MAX_CONCURRENT_SUBAGENTS=str(len(question.agents) + 1),
    )
    return turns(model.requests, question, claude_names) if question.skill else claude_tools(model.requests)


def claude_tools(requests: Requests) -> Tools:
    found: Tools = {}
    for body in requests:
        agent = tasked(body["messages"][0])
        if agent:
            found[agent] = claude_names(body)
    messages = [message for body in requests for message in body["messages"]]
    for message in messages:
        for part in message["content"] if isinstance(message["content"], list) else []:
            agent = part.get("tool_use_id", "").removeprefix("toolu_")
            if agent and agent not in found:
                found[agent] = claude_refusal(part["content"])
    return found


def claude_refusal(content: Any) -> list[str] | None:
    text = json.dumps(content)
    if "zero tools" in text:
        return []
    if "not found" in text:
        return None
    raise ValueError(f"an agent was neither started nor refused: {text[:300]}")


# Gemini CLI.


def gemini_names(body: dict[str, Any]) -> list[str]:
    found = [tool["name"] for group in body.get("tools", []) for tool in group.get("functionDeclarations", [])]
    return sorted(found)


def gemini(question: Question, folder: Path) -> Tools | Requests:
    """The tools of each agent, without `complete_task`, which every agent has."""
    project = place(folder, question.files)
    settings = {
        "security": {"auth": {"selectedType": "gemini-api-key"}},
        "mcpServers": {name: {"command": call[0], "args": call[1:]} for name, call in servers().items()},
    }
    (folder / "home" / ".gemini" / "settings.json").write_text(json.dumps(settings))
    player = Player("gemini", question)

    def answer(body: dict[str, Any]) -> list[Any]:
        tools = gemini_names(body)
        calls: list[Call] = [("complete_task", {"result": "done"})] if "complete_task" in tools else []
        calls = player.calls(body, tools) or calls
        parts: list[dict[str, Any]] = [{"functionCall": {"name": name, "args": call}} for name, call in calls]
        content = {"role": "model", "parts": parts or [{"text": "done"}]}
        usage = {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2}
        return [{"candidates": [{"content": content, "finishReason": "STOP", "index": 0}], "usageMetadata": usage}]

    model = Model(answer)
    run(
        [*question.program, "-p", "start", "--yolo", "--skip-trust", "-m", "gemini-2.5-pro"],
        project,
        folder / "home",
        GOOGLE_GEMINI_BASE_URL=model.address,
        GEMINI_API_KEY="not-a-key",
        GEMINI_TELEMETRY_ENABLED="false",
    )
    return turns(model.requests, question, gemini_names) if question.skill else gemini_answers(model.requests)


def gemini_answers(requests: Requests) -> Tools:
    found: Tools = {}
    for body in requests:
        agent = tasked(opening(body))
        if agent:
            found[agent] = [name for name in gemini_names(body) if name != "complete_task"]
        for error in re.findall(r"Subagent '(\w+)' (?:not found|failed)", json.dumps(body["contents"])):
            found.setdefault(error, None)
    return found


# OpenCode.


def opencode_names(body: dict[str, Any]) -> list[str]:
    return sorted(tool["function"]["name"] for tool in body.get("tools", []))


def opencode(question: Question, folder: Path) -> Tools | Requests:
    """The tools of each agent, which is run by itself; only for a skill another one starts it."""
    player = Player("opencode", question)

    def answer(body: dict[str, Any]) -> list[Any]:
        made = player.calls(body, opencode_names(body)) if question.skill else []
        said = [{"name": name, "arguments": json.dumps(call)} for name, call in made]
        calls = [{"index": 0, "id": f"call_{call['name']}", "type": "function", "function": call} for call in said]
        chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
        content: dict[str, Any] = {"tool_calls": calls} if calls else {"content": "done"}
        message = {"index": 0, "delta": {"role": "assistant", **content}, "finish_reason": None}
        end = {"index": 0, "delta": {}, "finish_reason": "tool_calls" if calls else "stop"}
        return [{**chunk, "choices": [message]}, {**chunk, "choices": [end]}, "[DONE]"]

    model = Model(answer)
    home = folder / "home"
    (home / ".config" / "opencode").mkdir(parents=True)
    provider = {
        "npm": "@ai-sdk/openai-compatible",
        "options": {"baseURL": f"{model.address}/v1", "apiKey": "not-a-key"},
    }
    config = {
        "provider": {"judged": {**provider, "models": {"m": {"tool_call": True}}}},
        "model": "judged/m",
        "small_model": "judged/m",
        "mcp": {name: {"type": "local", "command": call} for name, call in servers().items()},
    }
    (home / ".config" / "opencode" / "opencode.json").write_text(json.dumps(config))
    env = {"PATH": opencode_path(folder), "HOME": str(home), "LANG": "C.UTF-8", "OPENCODE_DISABLE_AUTOUPDATE": "1"}
    env |= {"OPENCODE_DISABLE_MODELS_FETCH": "1", "OPENCODE_DISABLE_LSP_DOWNLOAD": "1"}
    with subprocess.Popen(
        [*question.program, "serve", "--port", "0", "--pure"], cwd=home, env=env, stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stdout is not None
            address = next(found[0] for line in server.stdout if (found := re.search(r"http://127\.0\.0\.1:\d+", line)))
            threading.Thread(target=server.stdout.read, daemon=True).start()
            if question.skill is None:
                return opencode_answers(address, model, question, folder)
            project = place(folder, question.files)
            (project / ".git").mkdir()
            opencode_start(address, project)
            return turns(model.requests, question, opencode_names)
        finally:
            server.terminate()


def opencode_path(folder: Path) -> str:
    """The PATH with `rg`, which OpenCode runs to load a skill; it would fetch what is not there."""
    found = shutil.which("rg")
    if found is None:
        return PATH
    (folder / "bin").mkdir()
    (folder / "bin" / "rg").symlink_to(found)
    return f"{folder / 'bin'}:{PATH}"


def opencode_answers(address: str, model: Model, question: Question, folder: Path) -> Tools:
    """A file that stops the client is removed, and the client is asked again in a new folder.

    Each try changes the bodies, because OpenCode caches by text and reads a broken header differently a second time.
    """
    left, found, tries = dict(question.files), Tools(), 0
    while True:
        tries += 1
        project = place(folder / f"try{tries}", {path: f"{text}{tries}\n" for path, text in left.items()})
        (project / ".git").mkdir()
        try:
            names = {agent["name"] for agent in ask_server(address, "agent", project)}
            break
        except urllib.error.HTTPError as refusal:
            said = refusal.read().decode()
            bad = re.search(r"/(\w+)\.md", said)
            if bad is None:
                raise ValueError(said[:300]) from refusal
            found[bad[1]] = None
            left = {path: text for path, text in left.items() if Path(path).stem != bad[1]}
    for agent in (Path(path).stem for path in left):
        if agent not in names:
            found[agent] = None
            continue
        seen = len(model.requests)
        opencode_start(address, project, agent=agent)
        for body in model.requests[seen:]:
            if tasked(body["messages"]) == agent:
                found[agent] = opencode_names(body)
    return found


def opencode_start(address: str, project: Path, **more: str) -> None:
    """Start a session, and wait for its end."""
    session = ask_server(address, "session", project, {})["id"]
    parts = [{"type": "text", "text": "start"}]
    ask_server(address, f"session/{session}/message", project, {"parts": parts, **more})


def ask_server(address: str, path: str, project: Path, content: Any = None) -> Any:
    request = urllib.request.Request(
        f"{address}/{path}?directory={urllib.parse.quote(str(project))}",
        data=None if content is None else json.dumps(content).encode(),
        headers={"content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=LATE) as response:
        return json.loads(response.read())


ASKERS = {"claude": claude, "claude-headers": claude_listed, "gemini": gemini, "opencode": opencode}


def main() -> None:
    if sys.argv[1] == "--serve":
        serve_tools(sys.argv[2])
        return
    if os.environ.get("AGENTPACK_JUDGED_NETWORK") == "empty":
        loopback()
    question = Question(**json.load(sys.stdin))
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        print(json.dumps(ASKERS[sys.argv[1]](question, Path(folder).resolve())))


if __name__ == "__main__":
    main()
