"""The branches and tags of a repository, as `git ls-remote` lists them, and which of them a name means."""

from collections.abc import Collection, Mapping
from typing import NamedTuple


class Tag(NamedTuple):
    """A tag: the object it names (a tag object or a commit), and its commit."""

    object: str
    commit: str


class References(NamedTuple):
    """The branches and tags of a repository, by name. `head` is the commit of the default branch; empty if there is
    none.
    """

    head: str
    branches: Mapping[str, str]
    tags: Mapping[str, Tag]

    @property
    def every_tip(self) -> Collection[str]:
        """The objects that it names, of which any server hands over the whole history."""
        return {*self.branches.values(), *(tag.object for tag in self.tags.values())}

    def named(self, ref: str) -> tuple[str, str]:
        """The tag and the commit that `main`, `v1.0.0` or `refs/tags/v1.0.0` names, in git's own order: a tag before a
        branch. The tag is empty for a branch; both are if there is nothing of that name.
        """
        known = {f"refs/heads/{name}": ("", commit) for name, commit in self.branches.items()}
        known |= {f"refs/tags/{name}": (name, tag.commit) for name, tag in self.tags.items()}
        spelled = (start + ref for start in ("", "refs/", "refs/tags/", "refs/heads/"))
        return next((known[full] for full in spelled if full in known), ("", ""))


def parse_references(text: str) -> References:
    """The answer of `git ls-remote` for `HEAD`, all branches and all tags."""
    head, branches, objects, commits = "", dict[str, str](), dict[str, str](), dict[str, str]()
    for line in text.split("\n"):  # a name may hold U+2028, at which `splitlines` divides
        name, _, reference = line.partition("\t")
        if not (len(name) in (40, 64) and set(name) <= set("0123456789abcdef")):
            continue
        if reference == "HEAD":
            head = name
        elif reference.startswith("refs/heads/"):
            branches[reference.removeprefix("refs/heads/")] = name
        elif reference.startswith("refs/tags/"):
            tag = reference.removeprefix("refs/tags/")
            if tag.endswith("^{}"):
                commits[tag.removesuffix("^{}")] = name
            else:
                objects[tag] = name
    return References(head, branches, {tag: Tag(name, commits.get(tag, name)) for tag, name in objects.items()})
