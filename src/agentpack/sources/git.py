"""A git repository on another machine as a source.

Its tags are its releases, in the forms that people use: `<pack>--v1.2.0` (what `claude plugin tag` makes),
`<pack>-v1.2.0`, `<pack>/1.2.0`, and `v1.2.0` where the repository holds one pack. Without tags it has the state of its
default branch. `ref:` names one branch, tag or commit instead; `subdirectory:` names the folder that is the place.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Collection as Names
from functools import cached_property
from types import MappingProxyType
from typing import NamedTuple

from packaging.version import InvalidVersion, Version

from agentpack.errors import AgentpackError, Refused, Unavailable, Unresolvable
from agentpack.model.git_places import GitPlace, check_ref, check_subdirectory, git_address
from agentpack.model.lock import LockedPack
from agentpack.model.lock_text import is_commit
from agentpack.model.manifest import ConfiguredSource
from agentpack.model.names import MAX_VERSION, PackName, kebab
from agentpack.model.pack import NO_RELEASE, ReleaseRef, moved_tag
from agentpack.model.requirement import Requirement
from agentpack.remote.access import Remote
from agentpack.remote.git import Mirror, mirror_of
from agentpack.remote.git_references import Tag
from agentpack.sources.collection import AGENTS, Collection, CollectionPack, collection
from agentpack.sources.elsewhere import Plugin, Plugins
from agentpack.sources.git_tags import mistagged, no_such_ref, read_tag, tagged, without_tag
from agentpack.sources.git_tree import GitTree
from agentpack.sources.pack_trees import PackRoot, pack_files, pack_roots, releases_in

MAX_PREFETCHED = 200
"""Commits of releases that are fetched before anybody asks for them."""


def open_source(source: ConfiguredSource, folder: str, remote: Callable[[], Remote]) -> "GitSource":
    """The repository of a manifest. Raises UsageError if the address is none."""
    ref, subdirectory = source.options.get("ref", ""), source.options.get("subdirectory", "")
    check_ref(ref)
    check_subdirectory(subdirectory)
    place = GitPlace(source.place, ref, subdirectory.strip("/"))
    return GitSource(source.name, place, remote)


class LastHeard(NamedTuple):
    """What is known of a locked release: its tag, all tags of its kind by version, whether its tag was moved, and the
    commit of its `ref:` or of the default branch; empty if unknown, or if another repository has it.
    """

    tag: str = ""
    tags: Mapping[Version, tuple[str, Tag]] = MappingProxyType({})
    is_moved: bool = False
    head: str = ""


class _State(NamedTuple):
    """What the place offers at one commit."""

    tree: GitTree
    roots: tuple[PackRoot, ...]
    collection: Collection

    @property
    def names(self) -> tuple[PackName, ...]:
        return tuple(dict.fromkeys(root.name for root in self.roots)) or tuple(p.name for p in self.collection.packs)


class GitSource:
    """The packs of one repository. Nothing is asked of it before a pack is."""

    is_missing = False
    is_remote = True

    def __init__(self, name: str, place: GitPlace, remote: Callable[[], Remote], *, any_branch: bool = False) -> None:
        """`any_branch`: the place may have named another branch when it was locked, as a marketplace can."""
        self.name = name
        self._any_branch = any_branch
        self.place = place
        self.address = git_address(place.place)
        self.where = self.address
        self._expected: dict[PackName, Requirement] = {}
        self._locked_commits: dict[str, None] = {}
        self._remote = remote
        self._plugins = Plugins(name, remote)
        self._states: dict[str, _State] = {}
        self._refs: dict[PackName, list[ReleaseRef]] = {}
        self._known: dict[str, bytes | None] = {}
        self._prefetched: Sequence[str] = ()
        self._is_commit: dict[str, bool] = {}
        """Of what was fetched for a tag or a `ref:`, which may name files and folders too."""

    @cached_property
    def mirror(self) -> Mirror:
        """What is here of the repository."""
        return mirror_of(self._remote(), self.name, self.address)

    # What it offers.

    def packs(self) -> Names[PackName]:
        return dict.fromkeys(root.name for root in self._now.roots).keys()

    @property
    def collection(self) -> Collection:
        return self._now.collection

    def _plugin(self, pack: PackName) -> Plugin | None:
        return self._plugins.find(self._now.collection, pack)

    def about(self, pack: PackName) -> CollectionPack | None:
        if plugin := self._plugin(pack):
            return plugin.about()
        newest = next(iter(self._all(pack)), None)
        return None if newest is None else self._pack_at(newest.commit, pack)

    def releases(self, pack: PackName) -> Sequence[ReleaseRef]:
        return [ref for ref in self._all(pack) if not ref.bare]

    def states(self, pack: PackName) -> Sequence[ReleaseRef]:
        return [ref for ref in self._all(pack) if ref.bare]

    def state_of(self, pack: PackName) -> ReleaseRef | None:
        return next(iter(self.states(pack)), None)

    def expect(self, packs: Mapping[PackName, Requirement], commits: Iterable[str] = ()) -> None:
        self._expected.update(packs)
        self._locked_commits.update(dict.fromkeys(commits))

    def pinned(self, pack: PackName, locked: LockedPack) -> ReleaseRef | None:
        """The release at the locked commit; None if the lock has no commit, or none that `ref:` still allows."""
        if not locked.commit:
            return None
        if locked.repository:
            plugin = self._plugin(pack)
            return plugin.pinned(locked) if plugin else None
        if is_commit(self.place.ref) and locked.commit != self.place.ref and not self._any_branch:
            return None
        place = f"{self.where} at {locked.commit[:12]}"
        is_bare = locked.agents is not None
        return ReleaseRef(pack, Version(locked.version), self.name, place, is_bare, locked.commit)

    def read(self, ref: ReleaseRef) -> Mapping[str, bytes]:
        if plugin := self._plugin(ref.pack) if ref.repository else None:
            return plugin.read(ref)
        self._bring(ref.commit, ref)
        if ref.bare:
            packs = self._at(ref.commit).collection.packs  # the only one may have had another name
            found = next((pack for pack in packs if pack.name == ref.pack), packs[0] if len(packs) == 1 else None)
            if found is None:
                raise self._gone(ref)
            self._refuse_other_version(ref, found)
            return self._at(ref.commit).tree.contents(found.root, found.agents)
        state = self._at(ref.commit)
        roots = releases_in(state.tree, state.roots, ref.pack, self.where)
        if ref.version not in roots:
            if ref.tag and len(roots) == 1:
                raise mistagged(ref, next(iter(roots)), self.address)
            raise self._gone(ref)
        return pack_files(state.tree, roots[ref.version], self.where)

    def released(self, ref: ReleaseRef) -> int | None:
        """When the commit was made, in seconds since 1970 (UTC); None if unknown."""
        if plugin := self._plugin(ref.pack) if ref.repository else None:
            return plugin.released(ref)
        self._bring(ref.commit, ref)
        return self.mirror.time(ref.commit) or None

    def has_lost(self, locked: LockedPack) -> bool:
        is_ours = bool(locked.commit) and not locked.repository and locked.commit != self.place.ref
        return is_ours and not self.mirror.has_in_history(locked.commit, self._tips)

    def remark(self, pack: PackName) -> str:
        """How far the branch is ahead of the newest tag."""
        newest = next(iter(self._all(pack)), None)
        if newest is None or not newest.tag:
            return ""
        count = self.mirror.commits_since(newest.commit, self._commit)
        commits = "1 commit" if count == 1 else f"{count} commits"
        return f"the default branch is {commits} ahead of the tag `{newest.tag}`" if count else ""

    def unreleased(self, pack: PackName) -> str:
        """Whether the default branch has a newer version than the newest tag, in a sentence."""
        newest = next(iter(self._refs.get(pack, ())), None)
        if newest is None or not newest.tag or newest.repository or self.place.ref:
            return ""
        about = self._now.collection.pack(pack)
        versions = (root.version for root in self._now.roots if root.name == pack)
        return without_tag(newest, [*versions, about.version if about else ""], self.address)

    def unsigned(self, ref: ReleaseRef) -> str | None:
        if plugin := self._plugin(ref.pack) if ref.repository else None:
            return plugin.unsigned(ref)
        tags = self.mirror.references.tags
        names = [name for name, tag in tags.items() if tag.commit == ref.commit and ref.tag in ("", name, ref.commit)]
        if not names:
            return "its commit has no tag"
        faults = [self.mirror.check_signature(tags[name]) for name in names]
        return None if None in faults else f"the tag `{names[0]}`: {faults[0]}"

    def _gone(self, ref: ReleaseRef) -> Unavailable:
        return Unavailable(
            f"{ref.pack} {ref.version} is not in {self.address} at {ref.commit[:12]}",
            hint=f"`agentpack lock --upgrade-pack {ref.pack}` chooses a release again",
        )

    # Tags and commits.

    @cached_property
    def _tags(self) -> Mapping[PackName | None, Mapping[Version, tuple[str, Tag]]]:
        return {} if self.place.ref else tagged(self.mirror.references)

    def last_heard(self, locked: LockedPack) -> LastHeard:
        """What was known of a locked release when the place was last asked."""
        references = None if locked.repository else self.mirror.last_references
        if references is None:
            return LastHeard()
        families = tagged(references)
        for tags in families.values():
            name, tag = tags.get(Version(locked.version), ("", None))
            if tag is not None and tag.commit == locked.commit:
                return LastHeard(name, tags)
        own = families.get(locked.name) or (families.get(None, {}) if len(families) == 1 else {})
        name, tag = own.get(Version(locked.version), ("", None))
        held, head = references.named(self.place.ref) if self.place.ref else (name, references.head)
        is_moved = tag is not None and held == name
        return LastHeard(name, own, is_moved=True) if is_moved else LastHeard(head=head)

    @cached_property
    def _commit(self) -> str:
        """The commit of `ref:`, or of the default branch.

        Raises:
            Unresolvable: there is no such branch, tag or commit.
        """
        ref, references = self.place.ref, None
        if is_commit(ref):
            return ref
        references = self.mirror.references
        if not ref:
            if not references.head:
                if not references.branches and not references.tags:
                    raise Unresolvable(
                        f"{self.address} is empty: it has no branches and no tags",
                        hint="push a branch to it, or check the address",
                    )
                raise Unresolvable(f"{self.address} has no default branch", hint="name a branch: `ref:` or `@BRANCH`")
            return references.head
        if commit := references.named(ref)[1]:
            return commit
        raise no_such_ref(references, ref, self.address)

    @property
    def _now(self) -> _State:
        self._prefetch()
        return self._at(self._commit)

    def _at(self, commit: str) -> _State:
        if commit not in self._states:
            self._bring(commit)
            self._refuse_other_than_commit(commit)
            tree = GitTree(self.mirror, commit, self.place.subdirectory, self._known)
            if not tree.paths and self.place.subdirectory:
                raise Unresolvable(f"{self.address} has no folder `{self.place.subdirectory}` at {commit[:12]}")
            roots = pack_roots(tree)
            offered = Collection() if roots else collection(tree, self._own_name)
            self._states[commit] = _State(tree, roots, offered)
        return self._states[commit]

    def _bring(self, commit: str, ref: ReleaseRef | None = None) -> None:
        """Fetch a commit unless it is in the mirror. Raises Refused if it is not in the history of the place, or if the
        tag of its release names another one: a lock may come from anybody, and name a commit of a fork or branch, even
        one that is in the mirror already.
        """
        words = (
            self.place.ref,
            "any" if self._is_loose else "",
            commit,
            *((ref.pack, str(ref.version)) if ref else ()),
        )
        is_known = self.mirror.has_noted(*words) and not self.mirror.missing([commit])
        if not is_known and commit != self.place.ref:
            if ref is not None:
                self._refuse_other_thantagged(ref)
            if not self.mirror.has_in_history(commit, self._tips):
                branch = f"`{self.place.ref}`" if self.place.ref else "the default branch"
                branch = "any branch" if self._is_loose else f"{branch} or a tag"
                raise Refused(
                    f"the locked commit {commit} is not in the history of {branch} of {self.address}",
                    details=["its history was rewritten, or the commit belongs to a fork or another branch"],
                    hint="`agentpack upgrade` installs the current state; `agentpack diff --upgrade` shows it first",
                )
        if self.mirror.missing([commit]):
            self._fetch_with_locked(commit)
        if not is_known:
            self.mirror.note(*words)

    def _fetch_with_locked(self, commit: str) -> None:
        """Fetch a commit, and others that the lock has with it: most commands need them too. Whether the place leads to
        them is checked when they are read.
        """
        others = [one for one in self._locked_commits if one != commit][: MAX_PREFETCHED - 1]
        try:
            self._fetch([commit, *others])
        except AgentpackError:
            if not others:
                raise
            self.mirror.bring([commit])  # what is wrong with another one is told where that is read

    def _tell_commits(self, names: Sequence[str]) -> None:
        if unknown := [name for name in names if name not in self._is_commit]:
            others = self.mirror.no_commits(unknown)
            self._is_commit |= {name: name not in others for name in unknown}

    def _refuse_other_than_commit(self, name: str) -> None:
        """Raise Unresolvable for a file or a folder that is here."""
        self._tell_commits([name])
        if not self._is_commit[name]:
            shown = self.place.ref or name
            raise Unresolvable(f"`{shown}` of {self.address} is not a commit", hint="name a branch, or another tag")

    @property
    def _is_loose(self) -> bool:
        return self._any_branch or is_commit(self.place.ref)

    @property
    def _tips(self) -> Names[str]:
        """The commits whose history a locked commit must be in."""
        references = self.mirror.references
        tags = {tag.commit for tag in references.tags.values()}
        return tags | ({*references.branches.values()} if self._is_loose else {self._commit})

    def _refuse_other_thantagged(self, ref: ReleaseRef) -> None:
        """Raise Refused if the tag of a release names another commit."""
        for pack in (ref.pack, None):
            name, tag = self._tags.get(pack, {}).get(ref.version, ("", None))
            if tag and tag.commit != ref.commit and (pack or self._now.names == (ref.pack,)):
                raise moved_tag(ref._replace(commit=tag.commit, tag=name), ref.commit, self.where)

    def _refuse_other_version(self, ref: ReleaseRef, found: CollectionPack) -> None:
        """Raise Refused if neither a tag nor the manifest of `found` gives the locked commit the locked version.

        A plugin in another repository is not checked: its marketplace gives its version.
        """
        words = ("version", ref.commit, ref.pack, str(ref.version))
        if self._any_branch or self.mirror.has_noted(*words):
            return
        tagged = (self._tags.get(pack, {}).get(ref.version) for pack in (ref.pack, None))
        is_told = bool(ref.tag) or ref.version == self._version(found, ref.commit)
        if not is_told and not any(one and one[1].commit == ref.commit for one in tagged):
            raise Refused(
                f"no tag of {self.address} gives {ref.pack} {ref.version} to the locked commit {ref.commit[:12]}",
                details=[
                    "the tag was deleted or renamed, or the lock was edited",
                    f"without a tag, the version there is {self._version(found, ref.commit)}",
                ],
                hint=f"`agentpack upgrade {ref.pack}` installs the current state; if the lock was edited here, "
                "`git restore agentpack.lock` restores it",
            )
        self.mirror.note(*words)

    @property
    def _own_name(self) -> str:
        part = self.place.subdirectory.rpartition("/")[2]
        repository = self.place.place.rstrip("/").removesuffix(".git").replace(":", "/").rpartition("/")[2]
        return kebab(part or repository) or AGENTS

    def _prefetch(self) -> None:
        """Fetch what is likely to be read."""
        if self._prefetched:
            return
        commits = [self._commit]
        for pack, requirement in self._expected.items():
            for tags in (self._tags.get(pack, {}), self._tags.get(None, {})):
                allowed = (tag.commit for version, (_, tag) in tags.items() if requirement.allows(version))
                commits += [*allowed][:1]
        commits += () if self._expected else self._newest
        self._prefetched = commits = [*dict.fromkeys(commits)][:MAX_PREFETCHED]
        self._fetch(commits)

    @property
    def _newest(self) -> Iterable[str]:
        """The commits of the newest releases of all packs."""
        for tags in self._tags.values():
            final = [version for version in tags if not version.is_prerelease]
            yield from dict.fromkeys(tags[version][1].commit for version in [*tags][:1] + final[:1])

    def _fetch(self, commits: Sequence[str]) -> None:
        """Fetch commits in one go, and what is likely to be read of them in another one."""
        self.mirror.bring(commits)
        self._tell_commits(commits)
        found = [commit for commit in commits if self._is_commit[commit]]
        trees = [GitTree(self.mirror, commit, self.place.subdirectory, self._known) for commit in found]
        for tree in trees[:1]:
            tree.load(name for tree in trees for name in tree.telling)

    # One pack.

    def _all(self, pack: PackName) -> list[ReleaseRef]:
        """The releases or states of a pack, newest first; one state without tags."""
        if pack not in self._refs:
            self._refs[pack] = self._look(pack)
        return self._refs[pack]

    def _look(self, pack: PackName) -> list[ReleaseRef]:
        self._prefetch()
        if plugin := self._plugin(pack):
            return [plugin.state()]
        tags = self._tags.get(pack, {})
        if not tags and self._now.names == (pack,):
            tags = self._tags.get(None, {})
        commits = [tag.commit for _, tag in tags.values()]
        if commits and pack not in self._expected and commits[0] not in self._is_commit:
            self._fetch([*dict.fromkeys(self._newest)][:MAX_PREFETCHED])
        tags = {version: tag for version, tag in tags.items() if self._is_commit.get(tag[1].commit, True)}
        if tags:
            commits = [tag.commit for _, tag in tags.values()]
            is_bare = not self._at(next((one for one in commits if one in self._prefetched), commits[0])).roots
            return [
                ReleaseRef(pack, version, self.name, f"{self.where}@{name}", is_bare, tag.commit, name)
                for version, (name, tag) in tags.items()
            ]
        state, place = self._now, f"{self.where} at {self._commit[:12]}"
        found = self._pack_at(self._commit, pack) if not state.roots else None
        if found is not None:
            versions = [self._version(found, self._commit)]
        else:
            versions = sorted(releases_in(state.tree, state.roots, pack, self.where), reverse=True)
        is_bare, rest = found is not None, (self._commit, self._ref_tag)
        return [ReleaseRef(pack, version, self.name, place, is_bare, *rest) for version in versions]

    @property
    def _ref_tag(self) -> str:
        """The tag or the commit that `ref:` names, if it is one."""
        ref = self.place.ref
        return ref if not ref or is_commit(ref) else self.mirror.references.named(ref)[0]

    def _pack_at(self, commit: str, pack: PackName) -> CollectionPack | None:
        return self._at(commit).collection.pack(pack)

    def _version(self, pack: CollectionPack, commit: str) -> Version:
        """That of the tag that `ref:` names, else its manifest's, else one that names the commit:
        `0.0.0+20261128101500.g0123456789ab`.
        """
        named, version = read_tag(self._ref_tag) or (None, None)
        if version is not None and ((named,) if named else self._now.names) == (pack.name,) and commit == self._commit:
            return version
        try:
            return Version(pack.version[:MAX_VERSION])
        except InvalidVersion:
            return Version(f"{NO_RELEASE}+{self.mirror.stamp(commit)}.g{commit[:12]}")
