"""Where a command runs: home, variables, clock, and the scope that these and the options decide. Read once, then passed along."""

import os
from collections.abc import Callable, Mapping
from typing import NamedTuple

from agentpack.errors import UsageError

MANIFEST = "agentpack.yaml"
LOCK = "agentpack.lock"
_VERSION_CONTROL = (".git", ".hg", ".jj", ".svn")


def _now() -> str:
    from datetime import UTC, datetime  # not on the fast path

    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Environment(NamedTuple):
    """What a command may know of the world around it."""

    home: str
    cwd: str
    variables: Mapping[str, str]
    now: Callable[[], str] = _now
    interactive: bool = False
    """Whether a question can be asked: both ends of the conversation are a terminal."""

    @classmethod
    def current(cls) -> "Environment":
        """The real one."""
        import sys

        home = os.environ.get("HOME") or os.path.expanduser("~")
        return cls(
            home=os.path.realpath(home),
            cwd=os.getcwd(),
            variables=os.environ,
            interactive=sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty(),
        )


class Scope(NamedTuple):
    """One of the two places agentpack manages, with the folders that named paths begin at (see `disk.py`)."""

    kind: str
    """`project` or `user`."""
    root: str
    roots: Mapping[str, str]
    manifest: str
    lock: str
    local_variants: str
    """The folder of local variants, as a named path."""
    found_by: str
    """Why this scope was taken, in a few words."""

    def __str__(self) -> str:
        return f"{self.kind} {self.root}"

    def absolute(self, path: str) -> str:
        """The place of a named path on this machine, for people."""
        name, rest = split_root(path)
        return os.path.join(self.roots[name], rest)


def split_root(path: str) -> tuple[str, str]:
    """The root's name and the rest: `$state/current` -> (`$state`, `current`), `a/b` -> (``, `a/b`)."""
    if path.startswith("$"):
        name, _, rest = path.partition("/")
        return name, rest
    return "", path


def find_scope(
    environment: Environment, *, user: bool = False, project: bool = False, root: str | None = None
) -> Scope:
    """The scope that the options ask for; without any the project around the current folder, else the user's.

    Raises:
        UsageError: the options exclude each other, the folder does not exist, or there is no project here.
    """
    if user and (project or root is not None):
        raise UsageError("`--user` excludes `--project` and `--root`")
    if root is not None:
        path = os.path.realpath(os.path.join(environment.cwd, root))
        if not os.path.isdir(path):
            raise UsageError(f"`{root}` is not a folder", hint="`--root` names an existing folder")
        return project_scope(path, "named by --root", environment)
    if not user:
        found = _project_root(environment)
        if found is not None:
            return project_scope(*found, environment)
        if project:
            raise UsageError(
                f"there is no project at or above {environment.cwd}",
                hint="run it in a repository, create `agentpack.yaml`, or name the folder with `--root DIR`",
            )
    return user_scope(environment, "named by --user" if user else "no project here")


def _project_root(environment: Environment) -> tuple[str, str] | None:
    """The nearest folder upwards with a manifest, else the root of version control; the home folder only with a manifest."""
    control = None
    folder = os.path.realpath(environment.cwd)
    while True:
        if os.path.isfile(f"{folder}/{MANIFEST}"):
            return folder, f"has {MANIFEST}"
        if control is None and folder != environment.home:
            for name in _VERSION_CONTROL:
                if os.path.exists(f"{folder}/{name}"):
                    control = folder, f"root of the {name[1:]} repository"
                    break
        parent = os.path.dirname(folder)
        if parent == folder:
            return control
        folder = parent


def project_scope(root: str, found_by: str, environment: Environment) -> Scope:
    return Scope(
        kind="project",
        root=root,
        roots={"": root, "$state": f"{root}/.agentpack/state"},
        manifest=MANIFEST,
        lock=LOCK,
        local_variants=".agentpack/variants",
        found_by=found_by,
    )


def user_scope(environment: Environment, found_by: str) -> Scope:
    """The home folder; manifest and lock stand in the platform's configuration folder, state in its state folder."""
    import platformdirs

    config = platformdirs.user_config_dir("agentpack", appauthor=False)
    state = platformdirs.user_state_dir("agentpack", appauthor=False)
    roots = {"": environment.home, "$config": config, "$state": state}
    for name in ("CLAUDE_CONFIG_DIR",):
        if value := environment.variables.get(name):
            roots[f"${name}"] = os.path.abspath(os.path.expanduser(value))
    return Scope(
        kind="user",
        root=environment.home,
        roots=roots,
        manifest=f"$config/{MANIFEST}",
        lock=f"$config/{LOCK}",
        local_variants="$config/variants",
        found_by=found_by,
    )


def cache_folder() -> str:
    """The platform's cache folder for agentpack. What lies there can be deleted at any time."""
    import platformdirs

    return platformdirs.user_cache_dir("agentpack", appauthor=False)
