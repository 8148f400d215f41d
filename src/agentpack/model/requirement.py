"""A requirement: a pack, variants, a range of versions, and optionally an address.

The grammar is PEP 508 as `packaging` parses it, with variants in place of extras, and three short forms: `name@1.2` for
`==1.2.*`, `name@1.2.3` for `==1.2.3` (both also as tags are named, `name@v1.2`) and `name@latest` for any version.
"""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from packaging.version import InvalidVersion, Version

from agentpack.addresses import REFUSED, holds_secret
from agentpack.errors import UsageError
from agentpack.model.names import NO_VERSION, PackName, is_kebab, kebab, pack_name

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet

_HINT = "for example `python-engineer`, `python-engineer[strict-typing]>=1.1,<2` or `python-engineer@1.1`"
_ORDER = "~=!><"
"""Lower bounds are written before upper bounds."""
_SHAPE = re.compile(r"\s*(?P<name>[^\s\[\]<>=!~@;,]+)\s*(?:\[(?P<variants>[^\]]*)\])?\s*(?P<rest>.*)\Z", re.S)


class Requirement(NamedTuple):
    """A pack, the requested variants (sorted, unique), the range of versions, and an address if one was given."""

    pack: PackName
    variants: tuple[str, ...] = ()
    range: str = ""
    """A PEP 440 specifier set in canonical order; empty for any version."""
    url: str | None = None
    newest: bool = False
    """`@latest` was requested: a locked older version is not preferred. It makes no requirement another one."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Requirement) and self[:4] == other[:4]

    def __ne__(self, other: object) -> bool:  # a tuple has its own
        return not self == other

    def __hash__(self) -> int:
        return hash(self[:4])

    def __str__(self) -> str:
        variants = f"[{','.join(self.variants)}]" if self.variants else ""
        place = f" @ {self.url}" if self.url else ""
        return f"{self.pack}{variants}{self.range}{place}"

    @property
    def specifiers(self) -> "SpecifierSet":
        from packaging.specifiers import SpecifierSet  # slow to load, and most requirements have no range

        return SpecifierSet(self.range)

    def allows(self, version: Version) -> bool:
        """Whether the version is in the range. Pre-releases need a bound that is one itself (PEP 440)."""
        specifiers = self.specifiers
        try:
            return specifiers.contains(version, prereleases=bool(specifiers.prereleases))
        except ValueError:  # more digits than Python reads as a number: no release has them
            return False


def disallowing(requiring: Iterable[tuple[str, Iterable[Requirement]]], pack: str, version: Version) -> list[str]:
    """Why packs that stay keep a version of another one out: `top-kit 1.0.0 requires base-kit<2`.

    Args:
        requiring: what packs require, each with its name and version.
    """
    rows = ((name, one) for name, ranges in requiring for one in ranges if one.pack == pack)
    return [f"{name} requires {one.pack}{one.range}" for name, one in rows if one.range and not one.allows(version)]


def parse_version(text: str) -> Version:
    """Parse a PEP 440 version.

    Raises:
        UsageError: not a PEP 440 version.
    """
    try:
        return Version(text)
    except InvalidVersion:
        raise UsageError(f"`{text}` is {NO_VERSION}", hint=_HINT) from None


def _is_version(text: str) -> bool:
    try:
        return bool(Version(text))
    except InvalidVersion:
        return False
    except ValueError:  # more digits than Python reads as a number: no release has them
        return True


def parse_requirement(text: str) -> Requirement:
    """Parse a requirement.

    Raises:
        UsageError: not a requirement; the message says which part is wrong.
    """
    shape = _SHAPE.match(text)
    if shape is None:
        raise UsageError(f"`{text}` is not a requirement", hint=_HINT)
    if "://" in shape["name"]:
        raise UsageError(f"`{text}` is an address, not a pack", hint=_HINT)
    first, *more = shape["name"].split("+")
    if more and all(map(is_kebab, (first, *more))):
        hint = f'for a variant, write `"{first}[{",".join(sorted({*more}))}]"`'
        raise UsageError(f"`{text}` is not a pack name", hint=hint)
    name = pack_name(shape["name"])
    variants = _variants(text, shape["variants"])
    rest = shape["rest"].rstrip()
    range, at, where = rest.partition("@")
    if at and (not range or _is_address(where.strip())):
        found = _at(text, name, variants, where.strip())
        return found._replace(range=_range(text, range.strip())) if range else found
    if ";" in rest:
        raise UsageError(f"`{text}`: environment markers (`;`) are not supported", hint=_HINT)
    return Requirement(pack=name, variants=variants, range=_range(text, rest))


def _is_address(text: str) -> bool:
    return "://" in text or text.startswith(("github:", "gitlab:"))


def _variants(text: str, inside: str | None) -> tuple[str, ...]:
    if inside is None or not inside.strip():
        return ()
    names = [name.strip() for name in inside.split(",")]
    for name in names:
        if not is_kebab(name):
            hint = f"did you mean `{kebab(name)}`?" if kebab(name) else _HINT
            raise UsageError(f"`{text}`: `{name}` is not a valid variant name", hint=hint)
    return tuple(sorted(set(names)))


def _at(text: str, name: PackName, variants: tuple[str, ...], where: str) -> Requirement:
    """Parse the part after `@`: an address, or a short form of a version."""
    if _is_address(where):
        if holds_secret(where):
            raise UsageError(f"`{text}`: {REFUSED}", hint=_HINT)
        return Requirement(pack=name, variants=variants, url=where)
    if where == "latest":
        return Requirement(pack=name, variants=variants, newest=True)
    if not where:
        raise UsageError(f"`{text}`: a version or an address is missing after `@`", hint=_HINT)
    where = re.sub(r"\A[vV](?=[0-9])", "", where)  # as tags are named
    if not re.fullmatch(r"[0-9][0-9A-Za-z.]*", where) or not _is_version(where):
        raise UsageError(f"`{text}`: `{where}` is {NO_VERSION}, nor an address", hint=_HINT)
    version = parse_version(where)
    exact = len(version.release) >= 3 or version.is_prerelease
    return Requirement(pack=name, variants=variants, range=f"=={where}" if exact else f"=={where}.*")


def _range(text: str, rest: str) -> str:
    if rest.startswith("(") and rest.endswith(")"):
        rest = rest[1:-1]
    if not rest:
        return ""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet  # as above

    for part in rest.split(","):
        version = part.strip(f"{_ORDER} ").removesuffix(".*")
        if part.strip()[:1] in _ORDER and version and not _is_version(version):
            raise UsageError(f"`{text}`: `{version}` is {NO_VERSION}", hint=_HINT)
    try:
        parts = SpecifierSet(rest)
    except InvalidSpecifier:
        raise UsageError(f"`{text}`: `{rest}` is not a range of versions", hint=_HINT) from None
    return ",".join(sorted((str(part) for part in parts), key=lambda part: (_ORDER.index(part[0]), part)))
