"""Real git repositories to install from."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from support.trees import empty_repository, write_tree

_IDENTITY = {
    **{
        f"GIT_{who}_{what}": text
        for who in ("AUTHOR", "COMMITTER")
        for what, text in (("NAME", "Ada"), ("EMAIL", "a@b"))
    },
    "GIT_CONFIG_NOSYSTEM": "1",
}


class Repository:
    """A repository in a folder, with the branch `main`. Each change is a commit a minute after the one before."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.day = "2026-11-28"
        self._minutes = 0
        if not (folder / ".git").exists():
            empty_repository(folder)
        with (folder / ".git/config").open("a") as config:  # no process after each commit that looks whether to tidy up
            config.write("[uploadpack]\n\tallowFilter = true\n[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n")

    @property
    def address(self) -> str:
        return f"file://{self.folder}"

    def git(self, *words: str) -> str:
        """Run git in the repository. Returns what it prints."""
        return self.git_in("", *words)

    def git_in(self, input: str, *words: str) -> str:
        """Run git in the repository with a text as its input. Returns what it prints."""
        date = f"{self.day}T10:{self._minutes:02}:00+0000"
        dates = {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
        done = subprocess.run(
            ["git", *words],
            cwd=self.folder,
            env={**os.environ, **_IDENTITY, **dates},
            check=True,
            input=input,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def commit(self, files: Mapping[str, str | bytes] | None = None, *, gone: tuple[str, ...] = ()) -> "Repository":
        """Write files, delete others, and commit everything."""
        write_tree(self.folder, files or {})
        for path in gone:
            (self.folder / path).unlink()
        self._minutes += 1
        self.git("add", "--all", "--force")
        self.git("commit", "--quiet", "--allow-empty", "--message", "A change")
        return self

    def tag(self, name: str) -> "Repository":
        """Give the newest commit an annotated tag, moving one that is there."""
        self.git("tag", "--annotate", "--force", "--message", name, name)
        return self

    @property
    def head(self) -> str:
        return self.git("rev-parse", "HEAD")
