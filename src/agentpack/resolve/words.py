"""Releases and requirements as text, kept short whatever a pack's author wrote."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from packaging.version import Version

from agentpack.model.requirement import Requirement
from agentpack.resolve.ranges import UNSELECTED
from agentpack.resolve.universe import Node, bits_of

_LONG = 80
_MOST = 8
_RUNS = 4


def short(text: str) -> str:
    """The text, truncated if it is long."""
    return text if len(text) <= _LONG else text[: _LONG - 1] + "…"


def asked(requirement: Requirement) -> str:
    """A requirement without its address."""
    variants = f"[{','.join(requirement.variants)}]" if requirement.variants else ""
    return short(f"{requirement.pack}{variants}{requirement.range}")


def listed(items: Iterable[str], *, last: str = "and", most: int = _MOST) -> str:
    """`a`, `a and b`, `a, b and c`; for many the first few and the number of the rest."""
    words = list(items)
    if len(words) > most:
        words = [*words[: most - 1], f"{len(words) - most + 1} more"]
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def quoted(items: Iterable[str], *, last: str = "and", most: int = _MOST) -> str:
    return listed((f"`{item}`" for item in items), last=last, most=most)


def retired(variants: Iterable[str], instead: Mapping[str, str]) -> Iterator[str]:
    """For each variant that a release no longer has, what to do instead."""
    return (f"`{short(name)}`: {instead[name]}" for name in variants if name in instead)


def existing(versions: Sequence[Version]) -> str:
    """Which releases exist."""
    return f"there {'is only' if len(versions) == 1 else 'are'} {newest(versions)}"


def newest(versions: Sequence[Version]) -> str:
    """Versions (given in ascending order), newest first."""
    return listed(short(str(version)) for version in reversed(versions))


def spans(node: Node, bits: int) -> str:
    """Some releases of a pack: `1.0.0 to 1.4.0 and 2.0.0`. A span may skip pre-releases."""
    found: list[tuple[int, int]] = []
    passed = node.table.prereleases & ~bits
    for bit in bits_of(bits & ~UNSELECTED):
        index = bit.bit_length() - 2
        if found and not (bit - (4 << found[-1][1])) & ~passed:
            found[-1] = (found[-1][0], index)
        else:
            found.append((index, index))
    texts = [
        str(node.versions[first]) if first == last else f"{node.versions[first]} to {node.versions[last]}"
        for first, last in found
    ]
    return listed(map(short, texts), most=_RUNS)


def is_all(node: Node, bits: int) -> bool:
    """Whether these are all releases of the pack, ignoring pre-releases if there are others."""
    ordinary = node.table.everything & ~node.table.prereleases
    return not (ordinary or node.table.everything) & ~bits


def releases(node: Node, bits: int, *, behind: bool = False) -> str:
    """Some releases of a pack, as the subject of a sentence; `behind` is a mention of the pack without its name."""
    if is_all(node, bits) and len(node.versions) > 1:
        return "every release of it" if behind else f"every release of {short(node.pack)}"
    return spans(node, bits) if behind else f"{short(node.pack)} {spans(node, bits)}"


def is_many(node: Node, bits: int) -> bool:
    """Whether the verb after `releases` is plural."""
    return (bits & ~UNSELECTED).bit_count() > 1 and not is_all(node, bits)
