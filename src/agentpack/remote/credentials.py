"""Credentials for web servers, from the environment and from netrc. They are never printed, locked or logged.

Each belongs to one source: its host gets them, and no server that it leads to.
"""

import re
from base64 import b64encode
from collections.abc import Mapping

from agentpack.errors import UsageError

_VARIABLES = ("TOKEN", "USERNAME", "PASSWORD")


def authorization(source: str, host: str, variables: Mapping[str, str]) -> str | None:
    """The header `Authorization` for a source; None if there are no credentials.

    Args:
        host: the host of the source's address, without a port.

    Raises:
        UsageError: a variable holds what cannot be sent.
    """
    token, user, password = (_value(variable_of(kind, source), variables) for kind in _VARIABLES)
    if token is not None:
        return f"Bearer {token}"
    if user is None and password is None:
        found = _from_netrc(host, variables)
        if found is None:
            return None
        user, password = found
    return "Basic " + b64encode(f"{user or ''}:{password or ''}".encode()).decode()


def variable_of(kind: str, source: str) -> str:
    """The environment variable with the `TOKEN`, `USERNAME` or `PASSWORD` of a source."""
    return f"AGENTPACK_{kind}_{re.sub(r'[^A-Za-z0-9]', '_', source).upper()}"


def netrc_path(variables: Mapping[str, str]) -> str:
    """The netrc file of this user."""
    return variables.get("NETRC") or f"{variables.get('HOME', '')}/.netrc"


def _value(variable: str, variables: Mapping[str, str]) -> str | None:
    value = variables.get(variable)
    if value and not value.isprintable():
        raise UsageError(f"{variable} holds a line end or another control character, which cannot be sent")
    if value and "TOKEN" in variable and not (value.isascii() and " " not in value):
        raise UsageError(f"{variable} holds a blank or a letter beyond ASCII, which no token has")
    return value or None


def _from_netrc(host: str, variables: Mapping[str, str]) -> tuple[str, str] | None:
    """User and password of the host's own entry: `default` would give them to any host."""
    from netrc import NetrcParseError, netrc

    try:
        entry = netrc(netrc_path(variables)).hosts.get(host)
    except (OSError, NetrcParseError, UnicodeDecodeError):  # none, or one for other programs
        return None
    return None if host == "default" or entry is None else (entry[0], entry[2])
