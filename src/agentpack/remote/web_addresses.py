"""Which web addresses are read: https, or plain http on this machine, without a password in them.

The grammar is so narrow that no two programs read an address of it differently.
"""

import re
from ipaddress import ip_address

from agentpack.addresses import REFUSED, holds_secret, without_secrets
from agentpack.errors import UsageError

_WEB = re.compile(
    r"(?P<origin>(?P<scheme>https?)://(?P<host>[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?)"
    r"(?:[/?][!-~]*)?\Z",
    re.IGNORECASE,
)


def is_web_address(text: str) -> bool:
    """Whether a text is meant as a web address, well written or not."""
    return text.lower().startswith(("http://", "https://"))


def web_address_fault(text: str) -> str | None:
    """What forbids reading an address; None if it may be read. Also for what a server sends: it may hold a `?`."""
    found = _WEB.match(text)
    if found is None:
        return "is no web address such as `https://example.com/kit-1.2.tar.gz`, without a user and in ASCII"
    if found["scheme"].lower() == "http" and not _is_this_machine(found["host"].lower()):
        return "is not encrypted: only `https://` is read"
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
            hint="a netrc file or `AGENTPACK_TOKEN_<SOURCE>` gives it: see docs/reference/network.md",
        )
    if fault := web_address_fault(text):
        raise UsageError(f"{whose} is at {shown}, which {fault}")


def host_of(address: str) -> str:
    """The host in a checked address, without its port."""
    found = _WEB.match(address)
    return found["host"].lower() if found else ""


def origin_of(address: str) -> str:
    """Scheme, host and port of a checked address."""
    found = _WEB.match(address)
    return found["origin"].lower() if found else ""


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
