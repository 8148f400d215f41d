"""Which web addresses are read: https, or plain http on this machine, without a password in them.

The grammar is so narrow that no two programs read an address of it differently. Archives are the files that are read at
such addresses: their names, and the digest that must stand beside each in a manifest.
"""

import re

from agentpack.addresses import REFUSED, holds_secret, without_secrets
from agentpack.errors import UsageError
from agentpack.model.pack import ARCHIVE_SUFFIXES

_WEB = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?"
    r"(?:[/?][!-~]*)?\Z",
    re.IGNORECASE,
)


_ARCHIVE = re.compile(rf"(?:{'|'.join(map(re.escape, ARCHIVE_SUFFIXES))})\Z", re.IGNORECASE)
_VERSION = re.compile(
    r"(?:[-_.]?v?\d+(?:[._]\d+)+(?:[-.]?(?:a|b|rc|alpha|beta|dev)[.\d]*)?|[-_]?v\d+|[0-9a-f]{40})\Z", re.IGNORECASE
)
_NO_NAMES = frozenset(
    "archive archives download downloads heads latest main master refs releases tags tarball zipball".split()
)
_DIGEST = re.compile(r"[0-9a-f]{64}\Z")


def is_web_address(text: str) -> bool:
    """Whether a text is meant as a web address, well written or not."""
    return text.lower().startswith(("http://", "https://"))


def web_address_fault(text: str) -> str | None:
    """Why agentpack does not read this address; None if it does. Also used for redirects, so a `?` is allowed."""
    found = _WEB.match(text)
    if found is None:
        return "is not a web address such as `https://example.com/kit-1.2.tar.gz`, in ASCII and without a user"
    if found["scheme"].lower() == "http" and not _is_this_machine(found["host"].lower()):
        return "is not encrypted: only `https://` is supported"
    return None


def check_web_address(text: str, whose: str) -> None:
    """Raise UsageError for an address in a manifest or an argument that is not read, or that holds a secret.

    Args:
        whose: what has the address, for the message: "the source `kit`".
    """
    shown = without_secrets(text)
    if holds_secret(text):
        raise UsageError(
            f"{whose} is at {shown}: {REFUSED}",
            hint="put the login into `AGENTPACK_TOKEN_<SOURCE>` or a netrc file: see docs/reference/network.md",
        )
    if fault := web_address_fault(text):
        raise UsageError(f"{whose} is at {shown}, which {fault}")


def host_of(address: str) -> str:
    """The host in a web address, in lower case and without its port; empty for any other text."""
    found = _WEB.match(address)
    return found["host"].lower() if found else ""


def _is_this_machine(host: str) -> bool:
    from ipaddress import ip_address  # only for an address that is not encrypted

    try:
        return host == "localhost" or ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_archive_address(text: str) -> bool:
    """Whether a web address names an archive: `https://example.com/kit-1.2.tar.gz`, also with `#sha256=…` behind it."""
    return is_web_address(text) and bool(_ARCHIVE.search(re.split(r"[?#]", text)[0]))


def archive_name(place: str) -> str:
    """The name of what an archive holds, from its path or address: `kit` for `…/kit-1.2.tar.gz` and
    `…/kit/archive/v1.2.tar.gz`; `packs` if there is no name in it.
    """
    parts = [part for part in re.split(r"[?#]", place)[0].split("/") if part]
    parts = parts if is_web_address(place) else parts[-1:]
    for part in [_ARCHIVE.sub("", parts[-1]), *reversed(parts[2:-1])]:
        name = _VERSION.sub("", part)
        if name and name.lower() not in _NO_NAMES:
            return name
    return "packs"


def check_digest(text: str) -> None:
    """Raise UsageError for a `sha256` that is none."""
    if not _DIGEST.match(text):
        raise UsageError("a `sha256` is 64 digits and letters from `a` to `f`")


def check_archive_place(text: str) -> None:
    """Raise UsageError for a web address that is not read; any other text is a path."""
    if is_web_address(text):
        check_web_address(text, "an archive")
