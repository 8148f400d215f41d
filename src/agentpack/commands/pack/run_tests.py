"""pack test: run the test cases in a pack."""

from collections.abc import Iterator, Sequence
from difflib import unified_diff
from typing import NamedTuple

from agentpack.authoring.cases import FOLDER, Case, case_from, failed_expectations
from agentpack.commands.pack.authored import AuthoredRelease, PackFolder, open_pack, pack_folders
from agentpack.commands.pack.files import put_files
from agentpack.errors import AgentpackError, Fault, InvalidFile
from agentpack.model.line_ends import as_lf
from agentpack.model.manifest import Manifest, ManifestEntry
from agentpack.model.names import text_digest
from agentpack.model.rendering import Rendering
from agentpack.model.requirement import parse_requirement
from agentpack.wanted.candidates import candidates_to_install
from agentpack.wanted.choose import choose
from agentpack.wanted.wanted import Wanted
from agentpack.workspace.workspace import Workspace


class CaseResult(NamedTuple):
    """One case and its failures; empty if it passed."""

    case: Case
    failures: tuple[str, ...]


class TestedPack(NamedTuple):
    """One release and its cases. `written` are golden files that `--update` wrote."""

    folder: str
    release: str
    ran: tuple[CaseResult, ...]
    written: tuple[str, ...] = ()

    @property
    def failed(self) -> int:
        return sum(1 for ran in self.ran if ran.failures)


def pack_test(
    workspace: Workspace, folders: Sequence[str], *, update: bool = False, dry_run: bool = False
) -> tuple[TestedPack, ...]:
    """Run the cases of every release below the folders.

    Args:
        update: overwrite golden files with what is rendered now.

    Raises:
        InvalidFile: a pack or a file of cases is invalid.
    """
    tested = []
    for folder in pack_folders(workspace, folders or ["."]):
        authored = open_pack(workspace, folder)
        tested.append(run_cases(authored, folder, update=update, dry_run=dry_run))
    return tuple(tested)


def run_cases(
    authored: AuthoredRelease, folder: PackFolder, *, update: bool = False, dry_run: bool = False
) -> TestedPack:
    """Run the test cases of one release. Failed cases are in the result, not raised.

    Args:
        update: overwrite golden files with what is rendered now.
        dry_run: with `update`, only list the golden files that would change.

    Raises:
        InvalidFile: a file of cases is invalid.
    """
    golden: dict[str, bytes] = {}
    ran = tuple(_run(authored, case, golden if update else None) for case in _cases(authored))
    changed = {path: data for path, data in golden.items() if authored.release.files.get(path) != data}
    if changed and not dry_run:
        put_files(folder.path, changed)
    return TestedPack(folder.shown, authored.pack.release, ran, tuple(sorted(changed)))


def _cases(authored: AuthoredRelease) -> Iterator[Case]:
    from agentpack.input.documents import decode, read_yaml
    from agentpack.input.schemas import validate

    faults: list[Fault] = []
    for path, data in sorted(authored.release.files.items()):
        if path.startswith(f"{FOLDER}/") and path.endswith((".yaml", ".yml")) and path.count("/") == 1:
            file = f"{authored.folder.shown}/{path}"
            try:
                document = read_yaml(decode(data, file), file)
                rows = validate("tests", document)["tests"]
            except InvalidFile as error:
                faults.extend(error.faults)
                continue
            for index, row in enumerate(rows):
                yield case_from(row, file, document.line_of(("tests", index)))
    if faults:
        raise InvalidFile(faults)


def _run(authored: AuthoredRelease, case: Case, golden: dict[str, bytes] | None) -> CaseResult:
    try:
        failures = tuple(_failures(authored, case, _wanted(authored, case), golden))
    except AgentpackError as error:
        told = "; ".join(error.lines)
        if case.refused is None:
            return CaseResult(case, (f"refused: {told}",))
        return CaseResult(case, () if case.refused in told else (f"refused with a different message: {told}",))
    if case.refused is not None:
        return CaseResult(case, (f"not refused; expected `{case.refused}`",))
    return CaseResult(case, failures)


def _wanted(authored: AuthoredRelease, case: Case) -> Wanted:
    text = f"{authored.pack.name}[{','.join(case.variants)}]" if case.variants else authored.pack.name
    requirement = parse_requirement(f"{text}=={authored.pack.version}")
    wanted = ManifestEntry(requirement, str(requirement), parameters=case.parameters)
    manifest: Manifest = authored.manifest._replace(packs=(wanted,))
    chosen = choose(candidates_to_install(authored.workspace, manifest, None), manifest)
    return chosen.for_clients((case.client,)).enforced()


def _failures(authored: AuthoredRelease, case: Case, wanted: Wanted, golden: dict[str, bytes] | None) -> Iterator[str]:
    parts = {part.persona.name: part.persona for part in wanted.parts if part.pack.name == authored.pack.name}
    texts = {file.persona: file.content for file in wanted.files.values() if file.pack == authored.pack.name}
    name = case.persona or (next(iter(parts)) if len(parts) == 1 else None)
    if name is None or name not in parts:
        yield f"the pack has the personas {', '.join(sorted(parts))}: name one with `persona`"
        return
    if name not in texts:
        yield f"{case.client} gets no file of `{name}`"
        return
    modules = authored.drafts.modules(name) if name in authored.pack.personas else {}
    own = [file for file in wanted.files.values() if file.persona == name or _is_module(wanted, file, name)]
    text = "\n".join(as_lf(file.content).decode() for file in own if file.pack == authored.pack.name)
    yield from failed_expectations(case, parts[name], text, modules)
    if case.golden is not None:
        path = f"{FOLDER}/{case.golden}"
        if golden is not None:
            golden[path] = texts[name]
        else:
            yield from _unlike(authored.release.files.get(path), texts[name], path)


def _is_module(wanted: Wanted, file: Rendering, persona: str) -> bool:
    part = wanted.part(file)
    return part is not None and part.module_of == persona


def _unlike(wanted: bytes | None, found: bytes, path: str) -> Iterator[str]:
    if wanted is None:
        yield f"there is no `{path}`: `--update` writes it"
    elif text_digest(wanted) != text_digest(found):
        lines = unified_diff(
            wanted.decode("utf-8", errors="replace").splitlines(),
            found.decode().splitlines(),
            path,
            "rendered",
            n=1,
            lineterm="",
        )
        yield "\n".join((f"the text differs from `{path}`; `--update` rewrites it", *lines))
