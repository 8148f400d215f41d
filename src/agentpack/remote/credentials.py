"""Credentials for web servers, from the environment and from netrc. They are never printed, locked or logged.

Each belongs to one source and one host. That host gets them where the source is there, and no server that it leads to:
a manifest may come from anybody, and give the name of somebody's source to another address.
"""

import re
from base64 import b64encode
from collections.abc import Mapping, Sequence

from agentpack.errors import UsageError

_VARIABLES = ("TOKEN", "USERNAME", "PASSWORD")
_TOKENS_USER = "x-access-token"
"""The user of a token, where a server knows users and passwords only: as GitHub calls it, and others take any."""
_HELPER = (
    """!f() { test "$1" = get && printf 'username=%s\\npassword=%s\\n' "$AGENTPACK_USER" "$AGENTPACK_SECRET"; }; f"""
)


def authorization(source: str, host: str, variables: Mapping[str, str]) -> str | None:
    """The header `Authorization` for a source; None if there are no credentials.

    Args:
        host: the host of the source's address, without a port.

    Raises:
        UsageError: a variable holds what cannot be sent.
    """
    token, user, password = _named(source, host, variables)
    if token is not None:
        return f"Bearer {token}"
    if user is None and password is None:
        found = _from_netrc(host, variables)
        if found is None:
            return None
        user, password = found
    return "Basic " + b64encode(f"{user or ''}:{password or ''}".encode()).decode()


def git_login(source: str, scheme: str, host: str, variables: Mapping[str, str]) -> Mapping[str, str]:
    """The variables that let git log in to the host of a source, and to no other; empty without credentials in the
    environment. git's configuration gets a helper for that host in place of the user's, and the helper the secret.

    Args:
        host: the host of the source's address, with its port.

    Raises:
        UsageError: a variable holds what cannot be sent.
    """
    token, user, password = _named(source, re.sub(r":\d+\Z", "", host), variables)
    if token is None and user is None and password is None:
        return {}
    known = variables.get("GIT_CONFIG_COUNT", "")
    count = int(known) if known.isascii() and known.isdecimal() else 0
    key = f"credential.{scheme}://{host}.helper"
    settings = {
        f"GIT_CONFIG_{part}_{count + number}": text
        for number, helper in enumerate(("", _HELPER))  # the empty one takes back all others
        for part, text in (("KEY", key), ("VALUE", helper))
    }
    secret = {"AGENTPACK_USER": user or (_TOKENS_USER if token else ""), "AGENTPACK_SECRET": token or password or ""}
    return {**settings, **secret, "GIT_CONFIG_COUNT": str(count + 2)}


def variable_of(kind: str, source: str) -> str:
    """The environment variable with the `TOKEN`, `USERNAME`, `PASSWORD` or their `HOST` of a source."""
    return f"AGENTPACK_{kind}_{re.sub(r'[^A-Za-z0-9]', '_', source).upper()}"


def netrc_path(variables: Mapping[str, str]) -> str:
    """The netrc file of this user."""
    return variables.get("NETRC") or f"{variables.get('HOME', '')}/.netrc"


def _named(source: str, host: str, variables: Mapping[str, str]) -> Sequence[str | None]:
    """Token, user and password of a source, each None if unset; all None if the variables are for another host."""
    if variables.get(variable_of("HOST", source), "").lower() != host.lower():
        return (None,) * len(_VARIABLES)
    return [_value(variable_of(kind, source), variables) for kind in _VARIABLES]


def _value(variable: str, variables: Mapping[str, str]) -> str | None:
    value = variables.get(variable)
    if value and not value.isprintable():
        raise UsageError(f"{variable} holds a line end or another control character, which cannot be sent")
    if value and "TOKEN" in variable and not (value.isascii() and " " not in value):
        raise UsageError(f"{variable} holds a blank or a letter beyond ASCII, which no token has")
    return value or None


def _from_netrc(host: str, variables: Mapping[str, str]) -> tuple[str, str] | None:
    """User and password of the host's own entry in netrc, or None; `default` would give them to any host."""
    from netrc import NetrcParseError, netrc

    try:
        entry = netrc(netrc_path(variables)).hosts.get(host)
    except (OSError, NetrcParseError, UnicodeDecodeError):  # none, or one for other programs
        return None
    return None if host == "default" or entry is None else (entry[0], entry[2])
