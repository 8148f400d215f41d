"""Parse the ways to write where a git repository is: `github:owner/repo`, `git+https://…`, `git@host:path`.

Each may end in `@REF` and `#subdirectory=FOLDER`.
"""

import re
from typing import NamedTuple

from agentpack.addresses import REFUSED, holds_secret, without_secrets
from agentpack.errors import UsageError

FORGES = {"github": "https://github.com/", "gitlab": "https://gitlab.com/"}
"""Short forms of addresses: `github:owner/repo`."""
_HINT = (
    "for example `github:owner/repo`, `git+https://git.example.com/team/agents@v1.2.0`, `git@example.com:agents.git`"
)
_SHORT = re.compile(r"(?P<forge>github|gitlab):(?P<path>[A-Za-z0-9][\w.-]*(?:/[A-Za-z0-9_][\w.-]*)+)\Z")
_URL = re.compile(r"(?P<scheme>https?|ssh|file)://(?P<host>[^/]*)(?P<path>/.+)\Z", re.I)
_LIKE_SCP = re.compile(r"(?:[\w][\w.+-]*@)?[A-Za-z0-9][A-Za-z0-9.-]*:(?!//)[^\s:]+\Z")
_CUT_URL = re.compile(r"(?P<scheme>https?|ssh|file):(?!//)/?(?P<rest>.*)", re.I | re.S)
"""An address with too few slashes, which git would take for a path on a host of that name."""
_LOOPBACK = re.compile(r"(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?::\d+)?\Z", re.I)
_GIT_HOSTS = ("github.com", "gitlab.com", "bitbucket.org", "codeberg.org")
_PAGE = re.compile(
    r"(?:git\+)?https://github\.com/(?P<repository>[^/]+/[^/]+)/(?P<kind>tree|blob)/(?P<ref>[^/]+)/?(?P<folder>[^?#]*)"
)
"""A page that GitHub shows of a repository, as people copy it from their browser."""
_RANGED = re.compile(r"(?P<place>[^<>\s]+?)@?\s*(?P<range>(?:[<>]=?|[=!~]=).*)\Z")
"""An address with a range behind it."""
_REF = re.compile(r"[^\s\\^~:?*\[\x00-\x20\x7f]+\Z")


class GitPlace(NamedTuple):
    """A repository, and what of it is meant."""

    place: str
    """The repository as typed, in the form that the manifest keeps: `github:owner/repo`."""
    ref: str = ""
    """A branch, tag or commit; empty for the newest releases, or the default branch where there are none."""
    subdirectory: str = ""
    """The folder in it that is the place; empty for all of it."""

    def __str__(self) -> str:
        ref = f"@{self.ref}" if self.ref else ""
        return f"{self.place}{ref}{f'#subdirectory={self.subdirectory}' if self.subdirectory else ''}"


def is_git_place(text: str) -> bool:
    """Whether an argument is meant as a git repository, well written or not."""
    if text.startswith(("git+", "ssh://", "git://", "github:", "gitlab:")) or re.match(r"[\w.+-]+@[\w.-]+:", text):
        return True
    url = _URL.match(text.partition("#")[0])
    if url is None or url["scheme"].lower() not in ("http", "https"):
        return False
    path = url["path"].partition("@")[0].rstrip("/")
    return path.endswith(".git") or url["host"].lower().removeprefix("www.") in _GIT_HOSTS


def parse_git_place(text: str) -> GitPlace:
    """Parse an argument or a direct reference.

    Raises:
        UsageError: not the address of a git repository, or one that holds a password.
    """
    shown = without_secrets(text)
    if holds_secret(text):
        raise UsageError(
            f"`{shown}`: {REFUSED}", hint="use git's credential helper for the password: `git help credentials`"
        )
    if page := _PAGE.match(text):
        is_folder = page["folder"] and page["kind"] == "tree"
        folder = f"#subdirectory={page['folder']}" if is_folder else ""
        place = f"github:{page['repository']}@{page['ref']}{folder}"
        is_agent = page["kind"] == "blob" and page["folder"].endswith(".md")
        agent = page["folder"].rpartition("/")[2].removesuffix(".md").removesuffix(".agent")
        hint = f"`agentpack install {place} --only {agent}`" if is_agent else f"write `{place}`"
        raise UsageError(f"`{shown}` is a page about a repository, not its address", hint=hint)
    if ranged := _RANGED.match(text):
        hint = f'`agentpack install "PACK{ranged["range"]}" --source {ranged["place"]}`'
        raise UsageError(f"`{shown}`: a version range belongs after the name of a pack", hint=hint)
    rest, _, fragment = text.removeprefix("git+").partition("#")
    key, _, folder = fragment.partition("=")
    if fragment and (key != "subdirectory" or not folder):
        raise UsageError(f"`{shown}`: only `subdirectory=FOLDER` is supported after `#`", hint=_HINT)
    start = rest.find("://") + 3 if "://" in rest else 0
    path = max(rest.find("/", start), rest.find(":", start) if not start else -1)
    at = rest.find("@", path) if path >= 0 else -1
    place, ref = (rest[:at], rest[at + 1 :]) if at >= 0 else (rest, "")
    if at >= 0 and not ref:
        raise UsageError(f"`{shown}`: a branch, tag or commit is missing after `@`", hint=_HINT)
    git_address(place)
    check_subdirectory(folder)
    check_ref(ref)
    return GitPlace(place, ref, folder.strip("/"))


def check_ref(ref: str) -> None:
    """Raise UsageError for a text that no branch, tag or commit can have as its name."""
    if ref and (not _REF.match(ref) or ".." in ref or ref.startswith("-") or not ref.isprintable()):
        raise UsageError(f"`{ref}` is not the name of a branch, tag or commit")


def check_subdirectory(folder: str) -> None:
    """Raise UsageError for a text that is not the path of a folder in a repository."""
    parts = folder.strip("/").split("/") if folder else []
    if any(part in ("", ".", "..") for part in parts) or "\\" in folder or not folder.isprintable():
        raise UsageError(f"`{folder}` is not a folder in a repository", hint="for example `packs/reviewer`")


def git_address(place: str) -> str:
    """The address that git is given.

    Raises:
        UsageError: not an address that is read: https, ssh, file, or one of the short forms.
    """
    shown = without_secrets(place)
    if holds_secret(place):
        raise UsageError(
            f"`{shown}`: {REFUSED}", hint="use git's credential helper for the password: `git help credentials`"
        )
    if short := _SHORT.match(place):
        owner, name, *folders = short["path"].split("/")
        if folders and short["forge"] == "github":  # GitLab has groups in groups
            repository, folder = f"github:{owner}/{name}", "/".join(folders)
            raise UsageError(
                f"`{shown}`: a repository on GitHub is `github:OWNER/REPOSITORY`",
                hint=f"for a folder of it, write `{repository}#subdirectory={folder}`; "
                f"for an agent, `agentpack install {repository} --only {folders[-1].removesuffix('.md')}`",
            )
        return FORGES[short["forge"]] + short["path"].removesuffix(".git")
    if cut := _CUT_URL.match(place):
        start = f"git+{cut['scheme'].lower()}://{'/' if cut['scheme'].lower() == 'file' else ''}"
        raise UsageError(
            f"`{shown}` is not the address of a git repository",
            hint=f"write `{start}{without_secrets(cut['rest'])}`",
        )
    if not place.isprintable() or " " in place or "::" in place:
        raise UsageError(f"`{shown}` is not the address of a git repository", hint=_HINT)
    if url := _URL.match(place):
        scheme, host = url["scheme"].lower(), url["host"]
        if scheme == "http" and not _LOOPBACK.match(host):
            raise UsageError(f"`{shown}` is not encrypted, so it could be changed in transit", hint="write `https://`")
        if (scheme == "file") != (not host) or host.startswith("-") or "@-" in host:
            raise UsageError(f"`{shown}` is not the address of a git repository", hint=_HINT)
        if scheme == "file" and "%" in place:  # which git would decode, so that another folder is meant
            hint = "write the character itself, such as `é` for `%C3%A9`"
            raise UsageError(f"`{shown}`: the path of a repository must not contain `%`", hint=hint)
        return place
    if _LIKE_SCP.match(place) and not place.startswith(("-", *(f"{forge}:" for forge in FORGES))):
        return place
    raise UsageError(f"`{shown}` is not the address of a git repository", hint=_HINT)


def spellings(address: str) -> tuple[str, ...]:
    """The addresses that a policy may use for a repository: first its own, then the `https` one if it differs. Both are
    without a final `.git` or slash, with the host in lower case.
    """
    plain = address.rstrip("/").removesuffix(".git")
    if url := _URL.match(plain):
        scheme, host, path = url["scheme"].lower(), url["host"].lower(), url["path"]
    else:
        host, _, path = plain.partition(":")
        scheme, host, path = "ssh", host.lower(), "/" + path.lstrip("/")
    return tuple(
        dict.fromkeys((f"{scheme}://{host}{path}", f"https://{host.rpartition('@')[2].partition(':')[0]}{path}"))
    )


def telling_part(place: str) -> str:
    """The part of an address that says whose agents there are: the repository, or its owner where that is `agents`."""
    parts = [part for part in re.split(r"[/:]", place.rstrip("/").removesuffix(".git")) if part]
    generic = {"agents", "subagents", "claude", "skills", "plugins", "packs", "personas"}
    return parts[-2] if len(parts) > 2 and parts[-1].lower() in generic else parts[-1]
