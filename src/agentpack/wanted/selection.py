"""A selection of releases and clients, and everything needed to render it: personas, file texts and the lock.

`choose.py` creates selections. `enforced` returns what may be written, `render` ignores policies, `preview` is for
commands that write nothing and refuses nothing.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from agentpack.clients import SKILLS
from agentpack.clients.render import AgentRefused
from agentpack.errors import DecisionNeeded, Fault, InvalidFile
from agentpack.model.lock import LocalVariant, Lock, LockedFile, LockedPack
from agentpack.model.manifest import Manifest
from agentpack.model.names import PackName
from agentpack.model.pack import AgentRow
from agentpack.model.rendering import Rendering
from agentpack.resolve import Chosen
from agentpack.wanted.assemble import AssembledPersona, PersonaAssembler
from agentpack.wanted.assignment import FileAssignment, NameReserved
from agentpack.wanted.audience import Audience
from agentpack.wanted.candidates import Candidates
from agentpack.wanted.held import held_packs
from agentpack.wanted.renderings import Renderings
from agentpack.wanted.skipped import left_out_words
from agentpack.wanted.wanted import Wanted
from agentpack.workspace.found_clients import SkippedClient
from agentpack.workspace.workspace import Workspace

_NONE: Mapping[str, tuple[str, ...]] = MappingProxyType({})


class Selection(NamedTuple):
    """Releases chosen for a manifest, and the clients that get them."""

    candidates: Candidates
    manifest: Manifest
    pins: tuple[Chosen, ...]
    assembler: PersonaAssembler
    audience: Audience
    renderings: Renderings
    clients: tuple[str, ...] = ()
    """The clients of every pack for which neither the manifest nor `clients_by_pack` names others."""
    clients_by_pack: Mapping[str, tuple[str, ...]] = _NONE
    """Clients of single packs, from the lock; used if the manifest names none."""
    skipped: tuple[SkippedClient, ...] = ()
    """Found clients that do not get every pack."""

    @property
    def workspace(self) -> Workspace:
        return self.candidates.workspace

    # The same for others.

    def for_clients(
        self, clients: Sequence[str], clients_by_pack: Mapping[str, tuple[str, ...]] = _NONE
    ) -> "Selection":
        """A copy for these clients; clients that the manifest names for a pack still count. Skills folders, which rows
        of the lock name too, come with their clients.
        """
        asked = tuple(client for client in clients if client not in SKILLS)
        return self._replace(clients=asked, clients_by_pack=clients_by_pack)

    def inline(self) -> "Selection":
        """A copy that writes every module inline: each persona is one text, whatever becomes of it for a client."""
        return self._replace(renderings=Renderings(self.candidates, self.manifest.models, inline=True))

    def only_for(self, clients: Sequence[str]) -> "Selection":
        """A copy for exactly these clients, whatever the manifest names."""
        entries = tuple(entry._replace(clients=None) for entry in self.manifest.packs)
        return self._replace(manifest=self.manifest._replace(packs=entries)).for_clients(clients)

    def with_named_clients(self) -> "Selection":
        """A copy whose manifest names the clients, so that they are no longer merely found."""
        return self._replace(
            manifest=with_clients(self.manifest, self.clients, self.clients_by_pack), clients_by_pack=_NONE
        )

    def without_variants(self, pack: str, variants: Collection[str]) -> "Selection":
        """A copy without these variants of a pack."""
        return self.rebuilt(
            pin._replace(variants=tuple(v for v in pin.variants if v not in variants)) if pin.pack == pack else pin
            for pin in self.pins
        )

    def rebuilt(self, pins: Iterable[Chosen] = ()) -> "Selection":
        """A copy, optionally with other pins, without cached personas: those were built with the local variants of that
        time.
        """
        wanted = select(self.candidates, self.manifest, pins or self.pins)
        return wanted._replace(clients=self.clients, clients_by_pack=self.clients_by_pack, skipped=self.skipped)

    # What is made of it.

    def enforced(self, *, allow_installed: bool = False) -> Wanted:
        """What is wanted, with acceptances required and policies enforced.

        Args:
            allow_installed: do not judge packs whose files stay unchanged; for commands that only remove.

        Raises:
            PolicyRefused: a policy does not allow a release or a capability of its files.
            InvalidFile, Unresolvable, UsageError, DecisionNeeded: as `render`.
        """
        wanted = self.render()
        if self.workspace.policies.may_refuse:
            from agentpack.wanted.policy_check import enforce  # only where there is a policy

            enforce(self.candidates, wanted, allow_installed=allow_installed)
        return wanted

    def render(self, *, skips: bool = True) -> Wanted:
        """What is wanted, with acceptances required and policies ignored.

        Args:
            skips: leave agents of collections out for clients that cannot restrict them, unless `--strict` is given.

        Raises:
            InvalidFile, Unresolvable, UsageError: a variant, a parameter or a name is not valid.
            DecisionNeeded: a client cannot express a restriction, and nobody accepted that.
        """
        wanted = self._rendered(None, require_acceptance=True, skips=skips and not self.workspace.strict)
        if self.workspace.strict and (words := tuple(left_out_words(wanted.lock, in_full=True))):
            raise DecisionNeeded(
                "some agent files cannot be installed; nothing was written",
                details=words,
                hint="without `--strict`, the others are installed; `--without` leaves out single agents",
            )
        return wanted

    def preview(self, pack: str | None = None, *, skips: bool = False) -> Wanted:
        """What is wanted, for commands that write nothing. Missing acceptances are listed in `unaccepted` instead of
        refused.

        Args:
            skips: leave out what a command that writes would, such as agents that a client cannot restrict.
            pack: render only this pack, even if it is only there to be extended; None for all installed packs.

        Raises:
            InvalidFile, Unresolvable, UsageError: as `render`.
        """
        return self._rendered(pack, require_acceptance=False, skips=skips)

    def _rendered(self, only: str | None, *, require_acceptance: bool, skips: bool) -> Wanted:
        workspace = self.workspace
        for client in self.clients:
            workspace.client(client)
        clients_of = self.audience.clients(self.manifest, self.clients, self.clients_by_pack)
        locked: list[LockedPack] = []
        parts: list[AssembledPersona] = []
        assignment = FileAssignment(workspace.scope.kind, workspace.environment.variables, _accepted(workspace))
        pins = [pin for pin in self.pins if only in (None, pin.pack)]
        held = {} if only else held_packs(self.candidates, self.manifest, clients_of)
        parts_of = {
            pin.pack: self.assembler.parts(pin.pack) if only or self.audience.is_installed(pin) else ()
            for pin in pins
            if pin.pack not in held
        }
        twins = _namesakes(workspace.lock, parts_of, clients_of)
        for pin in pins:
            if (stays := held.get(pin.pack)) is not None:
                for file in stays.files:
                    assignment.add(workspace.client(file.client), file)
                locked.append(stays.pack)
                continue
            own = tuple(part for part in parts_of[pin.pack] if (pin.pack, part.persona.name) not in twins)
            for part in own:
                for client in clients_of[pin.pack]:
                    optional, target = skips and part.pack.bare, workspace.client(client)
                    try:
                        made = self.renderings.of(part, client)
                        assignment.add(target, made[0] if made else None, optional=optional)
                    except (AgentRefused, NameReserved) as error:
                        if not optional:
                            raise
                        assignment.leave_out(target, pin.pack, part.persona.name, error.why)
                        continue
                    for skill in made[1:]:
                        assignment.add(workspace.client(skill.client), skill)
            parts += own
            locked.append(self._locked_pack(pin, self.assembler.used.get(pin.pack, ()) if own else (), twins))
        left_out = [(pack.name, one) for pack in locked for one in pack.agents or () if one.left_out]
        if left_out and not parts and not held:
            raise self._nothing_taken(pins, left_out)
        files, unwritten = assignment.assigned()
        if require_acceptance:
            assignment.require()
        rows = {path: row for stays in held.values() for path, row in stays.rows.items()}
        lock = Lock(
            self.manifest.to_data(),
            tuple(sorted(self.clients)),
            tuple(locked),
            tuple(rows.get(file.path) or _locked_file(file) for file in files.values()),
            (*assignment.acceptances(), *(word for stays in held.values() for word in stays.accepted)),
            skipped=tuple(sorted((*assignment.skipped(), *(row for stays in held.values() for row in stays.skipped)))),
        )
        return Wanted(
            _with_declarations(workspace, lock),
            files,
            tuple(parts),
            unwritten,
            (*self._passed_over(), *self.candidates.states.notes, *self.candidates.sources.notes),
            tuple(self.candidates.hidden),
            assignment.unaccepted(),
            self.skipped,
            tuple(dict.fromkeys(self.assembler.missing_ids)),
            self.renderings.divided,
        )

    def _nothing_taken(self, pins: Iterable[Chosen], left_out: Sequence[tuple[str, AgentRow]]) -> InvalidFile:
        """The error where every agent file is left out. Raises HiddenText if that is for hidden characters."""
        from agentpack.input.hidden_in_files import refuse_hidden  # only for an error

        for pin in pins:
            files, rows = (
                self.candidates.files(pin.pack, pin.version),
                (row for name, row in left_out if name == pin.pack),
            )
            refuse_hidden({row.path: files[row.path] for row in rows if row.path in files}, pin.pack)
        return InvalidFile([Fault(f"{name}/{one.path}", 0, "", one.left_out) for name, one in left_out])

    def _locked_pack(
        self, pin: Chosen, used: Collection[LocalVariant], twins: Mapping[tuple[str, str], str]
    ) -> LockedPack:
        release, pack = self.candidates.read(pin.pack, pin.version)
        reasons = {row["path"]: row["reason"] for row in pack.header.get("left_out", ())}
        for (name, persona), why in twins.items():
            if name == pin.pack and persona in pack.personas:
                reasons[pack.personas[persona].file.partition("/")[2]] = why
        rows = tuple(row._replace(left_out=reasons.get(row.path, row.left_out)) for row in release.agents or ())
        return LockedPack(
            pin.pack,
            str(pin.version),
            release.source,
            release.digest,
            tuple(sorted(set(pin.variants) & set(pack.variant_names))),
            tuple(sorted(used)),
            dict(self.manifest.parameters(pin.pack)),
            tuple(pack.header.get("requires", ())),
            pin.wanted_by,
            clients=self.clients_by_pack.get(pin.pack),
            agents=None if release.agents is None else rows,
            commit=release.commit,
            repository=release.repository,
        )

    def _passed_over(self) -> Iterator[str]:
        """For each newer release that the policy considers too new, a sentence."""
        passed_over = sorted(self.candidates.passed_over.items())
        for pin in self.pins if passed_over else ():
            entry = self.manifest.wanted(pin.pack)
            for (pack, version), found in () if pin.pack in self.candidates.kept else passed_over:
                if pack == pin.pack and version > pin.version and (entry is None or entry.requirement.allows(version)):
                    verdict = found.refusals[0]
                    yield f"skipped {pack} {version}: {verdict.why} ({verdict.file}:{verdict.line})"


def select(candidates: Candidates, manifest: Manifest, pins: Iterable[Chosen]) -> Selection:
    """A selection of these releases, without clients yet."""
    pins = tuple(pins)
    return Selection(
        candidates,
        manifest,
        pins,
        PersonaAssembler(candidates, manifest, pins),
        Audience(candidates, pins),
        Renderings(candidates, manifest.models),
    )


def with_clients(
    manifest: Manifest, clients: Sequence[str], clients_by_pack: Mapping[str, tuple[str, ...]] = _NONE
) -> Manifest:
    """The manifest with these clients named, and single packs limited to the clients in `clients_by_pack`."""
    packs = (
        entry._replace(clients=clients_by_pack.get(entry.requirement.pack, entry.clients)) for entry in manifest.packs
    )
    return manifest._replace(clients=tuple(clients), packs=tuple(packs))


def _accepted(workspace: Workspace) -> Collection[str]:
    """The acceptances of this command, and those the lock records for its packs."""
    lock = workspace.lock
    if lock is None:
        return workspace.accepted
    named = {word for word in lock.accepted if not word.startswith("widened:")}
    for word in {*lock.accepted} - named:  # a lock from before acceptances named their pack
        named |= {f"{pack.name}:{word}" for pack in lock.packs}
    return {*workspace.accepted, *named}


def _namesakes(
    lock: Lock | None,
    parts_of: Mapping[PackName, Sequence[AssembledPersona]],
    clients_of: Mapping[str, Sequence[str]],
) -> Mapping[tuple[str, str], str]:
    """The agents that installed collections have gained, and of which another one has a namesake: why they are left
    out, by pack and persona. Without a lock, or with a pack that is new in it, the user is asked instead.
    """
    collections = {pack.name for pack in lock.packs if pack.agents is not None} if lock else set[PackName]()
    written = {(file.pack, file.persona) for file in lock.files} if lock else set[tuple[str, str]]()
    having: dict[str, list[tuple[PackName, str]]] = {}
    for pack, parts in parts_of.items():
        for part in parts if pack in collections else ():
            having.setdefault(part.called or part.persona.name, []).append((pack, part.persona.name))
    found: dict[tuple[str, str], str] = {}
    for those in having.values():
        kept = next((one for one in those if one in written), those[0])
        for one in those:
            if one != kept and one not in written and not {*clients_of[one[0]]}.isdisjoint(clients_of[kept[0]]):
                found[one] = f"`{kept[0]}` has an agent of that name"
    return found


def _with_declarations(workspace: Workspace, lock: Lock) -> Lock:
    """The lock with the declarations of the declared clients it uses."""
    declarations = workspace.clients.declarations
    used = lock.all_clients if declarations else ()
    return lock._replace(declared={name: row.digest for name, row in declarations.items() if name in used})


def _locked_file(file: Rendering) -> LockedFile:
    sha256 = file.digest.removeprefix("sha256:")
    return LockedFile(file.path, file.client, file.pack, file.persona, sha256, ", ".join(file.capabilities))
