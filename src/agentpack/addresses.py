"""Passwords and tokens in addresses: found, and left out of what people and programs are shown.

Every error goes through here as it is made, so that none of them can hold a password, and so does every word for
people.
"""

from functools import cache

TYPE_CHECKING = False
if TYPE_CHECKING:  # loaded for a text that has an address: the errors of a hot command have none
    import re

REFUSED = "an address must not hold a password or token: it would end up in the manifest and the lock"
"""What is said of one that does, where it would be kept."""
_NO_SECRETS = ("git", "hg", "anonymous")
"""Users that everybody has, as in `ssh://git@example.com`."""
_END = r"\s`'\"<>"


@cache
def _address() -> "re.Pattern[str]":
    import re

    scheme = r"(?P<scheme>\b[A-Za-z][A-Za-z0-9+.-]{0,20}://)"
    return re.compile(rf"{scheme}(?P<authority>[^/?#{_END}]*)(?P<path>[^?#{_END}]*)(?P<query>\?[^#{_END}]*)?")


@cache
def _login() -> "re.Pattern[str]":
    """`user:password` of `user:password@host:path`, as ssh and git take it."""
    import re

    return re.compile(r"(?<![^\s`'\"(=])[\w.+%-]+:[^\s/@:`'\"]+(?=@[A-Za-z][\w-]*(?:\.[\w-]+)*[:/])")


def holds_secret(text: str) -> bool:
    """Whether an address in the text has a password, a token for a user, or a parameter that sounds like one."""
    import re

    sounds = re.compile(r"token|key|secret|passw|pwd|auth|sig|cred", re.I)
    return any(
        _hidden(match["authority"]) != match["authority"] or sounds.search(match["query"] or "")
        for match in _address().finditer(text)
    )


def without_secrets(text: str) -> str:
    """The text, with `***` for users and passwords in addresses and for all that stands behind their `?`.

    Also of an address that was cut short, and that nobody can tell a port in from a password.
    """
    if "://" in text:
        text = _address().sub(_shown, text)
    return _login().sub("***", text) if "@" in text and ":" in text else text


def _shown(match: "re.Match[str]") -> str:
    query = match["query"] or ""
    said = query.rstrip(":,.;)]}")  # the sentence goes on behind it
    query = f"?***{query[len(said) :]}" if len(said) > 1 else query
    return f"{match['scheme']}{_hidden(match['authority'])}{match['path']}{query}"


def _hidden(authority: str) -> str:
    user, at, host = authority.rpartition("@")
    if at:
        return authority if user in _NO_SECRETS else f"***@{host}"
    name, colon, port = authority.partition(":")
    is_cut = colon and port and not port.rstrip(":,.").isdigit() and not authority.startswith("[")
    return f"{name}:***" if is_cut else authority
