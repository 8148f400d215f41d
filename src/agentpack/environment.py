"""Where a command runs: home, variables, clock, and the scope that these and the options select.

Read once, then passed along.
"""

import os
import stat
import sys
from collections.abc import Callable, Mapping
from typing import NamedTuple

from agentpack.errors import Refused, UsageError
from agentpack.model.variables import VARIABLES

MANIFEST = "agentpack.yaml"
LOCK = "agentpack.lock"
POLICY = "policy.yaml"
POLICY_VARIABLE = "AGENTPACK_POLICY"
PLACES_VARIABLE = "AGENTPACK_TRUSTED_PLACES"
NO_PROJECT = "no project here"
_VERSION_CONTROL = (".git", ".hg", ".jj", ".svn")


def _now() -> str:
    from datetime import UTC, datetime  # not on the fast path

    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def time_text(seconds: float) -> str:
    """A time in seconds since 1970 as `2026-11-23T10:00:00Z`."""
    from datetime import UTC, datetime  # not on the fast path

    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def in_local_time(time: str) -> str:
    """A UTC time in the local time zone, with its offset: `2026-11-23 11:00:00 +0100`."""
    from datetime import datetime  # not on the fast path

    try:
        return datetime.fromisoformat(time).astimezone().strftime("%Y-%m-%d %H:%M:%S %z")
    except (ValueError, OverflowError, OSError):
        return time  # a record that somebody else wrote


def _home() -> str:
    """The home folder from HOME; from the system's user database if HOME is not set."""
    if home := os.environ.get("HOME"):
        return home
    try:
        import pwd  # not on Windows
    except ImportError:
        return os.path.expanduser("~")
    try:
        return pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:
        raise UsageError("there is no home folder", hint="set HOME") from None


class Environment(NamedTuple):
    """Everything a command may know about its surroundings."""

    home: str
    cwd: str
    variables: Mapping[str, str]
    now: Callable[[], str] = _now
    interactive: bool = False
    """Whether a question can be asked: stdin and stderr are a terminal."""
    offline: bool = False
    """Whether no network connection may be opened."""

    @classmethod
    def current(cls) -> "Environment":
        """The real environment of this process."""
        home = _home()
        if not os.path.isabs(home):
            raise UsageError(f"the home folder `{home}` is not an absolute path", hint="set HOME to an absolute path")
        try:
            cwd = os.getcwd()
        except FileNotFoundError:
            raise UsageError("the current folder no longer exists", hint="change to another folder") from None
        return cls(
            home=os.path.realpath(home),
            cwd=cwd,
            variables=os.environ,
            interactive=sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty(),
        )


class Scope(NamedTuple):
    """One of the two scopes agentpack manages, with the folders at which named paths begin (see `disk/`)."""

    kind: str
    """`project` or `user`."""
    root: str
    roots: Mapping[str, str]
    manifest: str
    lock: str
    local_variants: str
    """The folder of local variants, as a named path."""
    own_packs: str
    """The folder of packs that `adopt` makes from the user's own files, as a named path."""
    declared_clients: str
    """The folder of user-declared clients."""
    found_by: str
    """Why this scope was selected, in a few words."""
    remark: str = ""
    """A note about the owner of the project, if it is not plainly the user."""

    def __str__(self) -> str:
        return f"{self.kind} {self.root}"

    def line(self, home: str) -> str:
        """The line that names the scope in messages, with `~` for the home folder."""
        base = home.rstrip("/") + "/"
        below = self.root.startswith(base)
        return f"{self.kind} ~/{self.root.removeprefix(base)}" if below else str(self)

    def absolute(self, path: str) -> str:
        """The absolute path of a named path, for people."""
        name, rest = split_root(path)
        if name not in self.roots:
            return path  # the variable it is named by is no longer set
        return os.path.join(self.roots[name], rest)

    def shown(self, path: str) -> str:
        """A named path as reports show it: relative below the scope's root, else absolute."""
        return self.absolute(path) if path.startswith("$") else path

    def declaration(self, client: str) -> str:
        """The path of the file that would declare a client, as reports show it."""
        return self.shown(f"{self.declared_clients}/{client}.yaml")


def in_words(kind: str, path: str) -> str:
    """A named path of a scope in a sentence: the user scope's begin with `~/`."""
    return f"~/{path}" if kind == "user" and not path.startswith("$") else path


def split_root(path: str) -> tuple[str, str]:
    """The root's name and the rest: `$state/current` -> (`$state`, `current`), `a/b` -> (``, `a/b`)."""
    if path.startswith("$"):
        name, _, rest = path.partition("/")
        return name, rest
    return "", path


def find_scope(
    environment: Environment, *, user: bool = False, project: bool = False, root: str | None = None
) -> Scope:
    """The scope the options select; without options the project around the current folder, else the user scope.

    Raises:
        UsageError: the options exclude each other, the folder does not exist, or there is no project here.
        Refused: the project above the current folder belongs to somebody else.
    """
    if user and (project or root is not None):
        raise UsageError("`--user` cannot be used with `--project` or `--root`")
    if root is not None:
        path = os.path.realpath(os.path.join(environment.cwd, root))
        if not os.path.isdir(path):
            raise UsageError(f"`{root}` is not a folder", hint="`--root` needs an existing folder")
        return project_scope(path, "named by --root")._replace(remark=_owner_remark(path, environment, named=True))
    if not user:
        found = _project_root(environment)
        if found is not None:
            return project_scope(*found)._replace(remark=_owner_remark(found[0], environment))
        if project:
            raise UsageError(
                f"there is no project at or above {environment.cwd}",
                hint="run it in a repository, create `agentpack.yaml`, or name the folder with `--root DIR`",
            )
    return user_scope(environment, "named by --user" if user else NO_PROJECT)


def _project_root(environment: Environment) -> tuple[str, str] | None:
    """The nearest folder upwards with a manifest, else the root of a repository, and which of the two it is, in words;
    None if there is neither.

    The home folder counts as a project only if it has a manifest.
    """
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


def repository_of(root: str, home: str) -> str:
    """The repository that a project's folder is in, or that folder. A repository around the home folder is none."""
    folder = root
    while folder != home and folder != os.path.dirname(folder):
        if any(os.path.exists(f"{folder}/{name}") for name in _VERSION_CONTROL):
            return folder
        folder = os.path.dirname(folder)
    return root


def _owner_remark(root: str, environment: Environment, *, named: bool = False) -> str:
    """A note about the owner of a project; empty if it is the user.

    A manifest decides what is installed and from where, and everybody may put one into `/tmp`. So a manifest that was
    only found is used if it belongs to the user or root, or if its owner also owns the folder the user went to.

    Raises:
        Refused: somebody else put a manifest, or a repository, into a folder above.
    """
    marks = [f"{root}/{name}" for name in (MANIFEST, *_VERSION_CONTROL) if os.path.lexists(f"{root}/{name}")][:1]
    try:
        around, here = os.stat(root), os.stat(environment.cwd)
        looked = [look(mark) for mark in marks for look in (os.lstat, os.stat)] or [around]
    except OSError:  # whoever reads it says so
        return ""
    what, above = (*marks, root)[0], os.path.realpath(environment.cwd) != root
    mine = {0, os.geteuid(), *([int(environment.variables["SUDO_UID"])] if _is_by_sudo(environment) else [])}
    others = [found.st_uid for found in looked if found.st_uid not in mine]
    open_to_all = [path for path, found in ((root, around), (what, looked[-1])) if found.st_mode & stat.S_IWOTH]
    if others:
        from agentpack.disk.ownership import user_name  # seldom needed

        whose = f"`{what}` belongs to another user, {user_name(others[0])}"
        if above and not named and others[0] != here.st_uid:
            raise Refused(
                whose,
                details=(f"it is above {environment.cwd}, which that user does not own",),
                hint=f"`--root {root}` uses it anyway; `--root .` works in the current folder",
            )
        return whose
    if not above or not open_to_all or here.st_mode & stat.S_IWOTH:  # there may be no permissions on this disk
        return ""
    return f"every user of this machine can write to `{open_to_all[0]}`, where `{what}` was found"


def _is_by_sudo(environment: Environment) -> bool:
    return os.geteuid() == 0 and environment.variables.get("SUDO_UID", "").isdecimal()


def project_scope(root: str, found_by: str) -> Scope:
    return Scope(
        kind="project",
        root=root,
        roots={"": root, "$state": f"{root}/.agentpack/state"},
        manifest=MANIFEST,
        lock=LOCK,
        local_variants=".agentpack/variants",
        own_packs=".agentpack/packs",
        declared_clients=".agentpack/clients",
        found_by=found_by,
    )


def user_scope(environment: Environment, found_by: str) -> Scope:
    """The user scope: its root is the home folder, manifest and lock are in the platform's configuration folder, state
    in its state folder.
    """
    config, state = platform_folder("config"), platform_folder("state")
    roots = {"": environment.home, "$config": config, "$state": state}
    for name in VARIABLES:
        if value := environment.variables.get(name):
            roots[f"${name}"] = os.path.abspath(os.path.expanduser(value))
    return Scope(
        kind="user",
        root=environment.home,
        roots=roots,
        manifest=f"$config/{MANIFEST}",
        lock=f"$config/{LOCK}",
        local_variants="$config/variants",
        own_packs="$config/packs",
        declared_clients="$config/clients",
        found_by=found_by,
    )


def policy_files(environment: Environment) -> tuple[str, ...]:
    """The policy files besides the manifest: the user's, and the one the organisation's variable names. A file whose
    existence cannot be checked is included, so that reading it fails.
    """
    own = f"{platform_folder('config')}/{POLICY}"
    named = environment.variables.get(POLICY_VARIABLE)
    return (*((own,) if _may_hold(own) else ()), *((named,) if named else ()))


def trusted_places(environment: Environment) -> tuple[str, ...]:
    """The folders and archives that every project may have as a source, as absolute paths."""
    named = (environment.variables.get(PLACES_VARIABLE) or "").split(os.pathsep)
    return tuple(path for place in named if os.path.isabs(path := os.path.expanduser(place)))


def _may_hold(policy: str) -> bool:
    """Whether the user can have a policy there: not in somebody else's home that is closed to this user."""
    try:
        os.lstat(policy)
    except (FileNotFoundError, NotADirectoryError):
        return blocking_path(policy) is not None
    except PermissionError:
        return not _is_in_foreign_home(policy)
    except OSError:
        return True
    return os.access(policy, os.R_OK) or not _is_in_foreign_home(policy)


def _is_in_foreign_home(path: str) -> bool:
    """Whether a path is below HOME and HOME belongs to somebody else: a container's `root`, or the caller of `sudo -u`.
    If the home cannot be inspected, the nearest folder around it that can decides.
    """
    folder = _home()
    if not path.startswith(f"{folder.rstrip('/')}/"):
        return False
    while True:
        try:
            return os.stat(folder).st_uid != os.geteuid()
        except OSError:
            if folder == (folder := os.path.dirname(folder)):
                return False


def blocking_path(path: str) -> str | None:
    """The first path component above a missing file that is not a directory, or None. Such a component makes the file's
    absence unprovable: a link may lead to a disk that is not mounted.
    """
    folder, ours = path, 2
    while folder != (folder := os.path.dirname(folder)):
        try:
            found = os.lstat(folder)
        except (FileNotFoundError, NotADirectoryError):
            ours -= 1
            continue
        if os.path.isdir(folder):
            return None
        # Further out it is not for us to judge: a process without a home has `/dev/null` for one.
        return folder if ours > 0 or stat.S_ISLNK(found.st_mode) else None
    return None


def cache_folder() -> str:
    """The platform's cache folder for agentpack. Its contents can be deleted at any time."""
    return platform_folder("cache")


_XDG = {
    "cache": ("XDG_CACHE_HOME", ".cache"),
    "config": ("XDG_CONFIG_HOME", ".config"),
    "state": ("XDG_STATE_HOME", ".local/state"),
}


def platform_folder(kind: str) -> str:
    """The platform's folder for agentpack's `cache`, `config` or `state`.

    `platformdirs` decides; where its rule is trivial and clearly applies, the answer is computed without loading it.
    """
    variable, usual = _XDG[kind]
    moved, home = os.environ.get(variable, ""), _home()
    if sys.platform == "linux" and "ANDROID_DATA" not in os.environ and _is_plain(home):
        if not os.path.isabs(moved):  # a relative one counts as unset, by the XDG rules
            return f"{home}/{usual}/agentpack"
        if _is_plain(moved):
            return f"{moved}/agentpack"
    import platformdirs

    finders = {
        "cache": platformdirs.user_cache_dir,
        "config": platformdirs.user_config_dir,
        "state": platformdirs.user_state_dir,
    }
    return finders[kind]("agentpack", appauthor=False)


def _is_plain(folder: str) -> bool:
    """Whether the folder is an absolute path in its simplest spelling."""
    return os.path.isabs(folder) and os.path.normpath(folder) == folder == folder.strip() and len(folder) > 1
