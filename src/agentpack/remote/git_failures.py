"""What to say when git fails: its own words say why, and a hint what to do."""

import re

from agentpack.errors import Refused, Unavailable
from agentpack.remote.credentials import variable_of
from agentpack.remote.process import Finished

_FAILURES = (
    (
        r"timed out|too slow",
        ("does not answer in time", "try again later; AGENTPACK_TIMEOUT=SECONDS waits longer"),
    ),
    (
        r"did not send all necessary",  # what arrived is not there: files of the mirror stand in its way
        ("does not match its mirror in the cache", "`agentpack cache prune --all` deletes a damaged mirror"),
    ),
    (
        r"dumb http",
        (
            "is on a web server that only serves files (dumb HTTP), which is not supported",
            "serve it with `git http-backend` or over ssh, or publish an archive: `agentpack pack build`",
        ),
    ),
    (
        r"couldn't find remote ref [0-9a-f]{64}\b|object.format",
        (
            "has SHA-256 object names, which are not supported",
            "use a repository with SHA-1 object names, as `git init` makes it, or an archive",
        ),
    ),
    (
        r"not our ref|unadvertised object",
        (
            "does not have the requested commit",
            "check it; if its history was rewritten, `agentpack upgrade` installs the current state",
        ),
    ),
    (
        r"HOST IDENTIFICATION HAS CHANGED",
        (
            "is on a host whose ssh key has changed; somebody may be intercepting the connection",
            "ask who runs the host; `git ls-remote {address}` shows where the old key is stored",
        ),
    ),
    (
        r"Host key verification failed|No \S+ host key is known",
        ("is on a host whose ssh key is not known yet", "`git ls-remote {address}` asks whether to trust it"),
    ),
    (
        r"Permission denied \(",
        (
            "requires an ssh key that it knows",
            "add a key with `ssh-add`, then check with `git ls-remote {address}`",
        ),
    ),
    (
        r"Authentication failed|could not read (?:Username|Password)|Permission denied|returned error: 40[13]",
        (
            "requires credentials",
            "`git ls-remote {address}` asks for them; a credential helper keeps them. For https, "
            "set {token} and {host}={name}",
        ),
    ),
    (
        r"returned error: (?:429|5\d\d)",
        ("fails or is overloaded", "try again later"),
    ),
    (
        r"Protocol \S+ (?:not supported|.*disabled)",
        ("redirects to an unencrypted address", "`git ls-remote {address}` shows git's own message"),
    ),
    (
        r"[Cc]ertificate|SSL|TLS",
        ("has a certificate that is not trusted", "`git ls-remote {address}` shows git's own message"),
    ),
    (
        r"not found|does not appear to be a git|does not exist|returned error: 404",
        ("is not a repository, or you have no access to it", "check the address: `git ls-remote {address}`"),
    ),
)
"""Signs of common failures in what git says, and what to say of each."""
_GENERIC = (
    "fatal: Could not read from remote repository.",
    "Please make sure you have the correct access rights",
    "and the repository exists.",
)
"""What git says behind the reason, whatever that is."""
_UNKNOWN_FAILURE = ("cannot be reached", "`git ls-remote {address}` shows git's own message")


def gives_tips_only(error: Unavailable) -> bool:
    """Whether git may fetch branches and tags as they are and no other object. So it is with protocol 0, to which an
    ssh server falls back that does not `AcceptEnv GIT_PROTOCOL`.
    """
    return any("request for unadvertised object" in line for line in error.details)


def failure(result: Finished, source: str, address: str, most: int, *, unread: str = "") -> Unavailable | Refused:
    """The error for a call of git that failed, or answered with too much.

    Args:
        source: the name of the source.
        most: the most bytes that it may answer with.
        unread: the folder of the mirror, if git was to read it and not to ask the repository.
    """
    said = [line.strip() for line in result.said.decode("utf-8", "replace").splitlines() if line.strip()]
    said = [line for line in said if line not in _GENERIC] or said
    telling = [line for line in said if line.startswith(("fatal:", "error:", "remote:", "gpg:", "ERROR"))] or said
    if result.is_cut:
        return Refused(f"{address} answers with more than {most // 1024 // 1024} MiB")
    if unread:
        message = f"{unread}, a mirror of {address}, cannot be read"
        return Unavailable(message, details=telling[:5], hint="delete it")
    text = "timed out" if result.is_late else "\n".join(said)
    message, hint = next((told for sign, told in _FAILURES if re.search(sign, text)), _UNKNOWN_FAILURE)
    there = re.match(r"https?://(\[[^/\]]*\]|[^/:]+)", address)
    variables = {"token": variable_of("TOKEN", source), "host": variable_of("HOST", source)}
    hint = hint.format(address=address, **variables, name=there[1] if there else "NAME")
    return Unavailable(f"the source `{source}` at {address} {message}", details=telling[-5:], hint=hint)
