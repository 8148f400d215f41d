"""Find passwords and tokens in addresses, and remove them from everything that is shown.

Every error message passes through here when it is created, so that none can contain a password, and so does all text
for people.
"""

from functools import cache

TYPE_CHECKING = False
if TYPE_CHECKING:  # loaded for a text that has an address: the errors of a hot command have none
    import re

REFUSED = "an address must not hold a password or token: it would end up in the manifest and the lock"
"""The message for an address with a secret, where it would be stored."""
_NO_SECRETS = ("git", "hg", "anonymous")
"""User names that are not secret anywhere."""
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
"""The signs of a user that ssh logs in by a key, as in `ssh://ada@review.example.com`: nobody's secret either."""
_END = r"\s`'\"<>"


@cache
def _address() -> "re.Pattern[str]":
    import re

    scheme = r"(?P<scheme>\b[A-Za-z][A-Za-z0-9+.-]{0,20}://)"
    return re.compile(rf"{scheme}(?P<authority>[^/?#{_END}]*)(?P<path>[^?#{_END}]*)(?P<query>\?[^#{_END}]*)?")


@cache
def _login() -> "re.Pattern[str]":
    """Matches `user:password` of `user:password@host:path`, as ssh and git accept it."""
    import re

    return re.compile(r"(?<![^\s`'\"(=])[\w.+%-]+:[^\s/@:`'\"]+(?=@[A-Za-z][\w-]*(?:\.[\w-]+)*[:/])")


def holds_secret(text: str) -> bool:
    """Whether an address in the text has a password, a token as its user, or a parameter named like a secret."""
    import re

    sounds = re.compile(r"token|key|secret|passw|pwd|auth|sig|cred", re.I)
    return any(
        _hidden(match) != match["authority"] or sounds.search(match["query"] or "")
        for match in _address().finditer(text)
    )


def without_secrets(text: str) -> str:
    """The text with `***` in place of users and passwords in addresses, and of everything after their `?`.

    Also covers truncated addresses, in which a port cannot be told from a password.
    """
    if "://" in text:
        text = _address().sub(_shown, text)
    return _login().sub("***", text) if "@" in text and ":" in text else text


def _shown(match: "re.Match[str]") -> str:
    query = match["query"] or ""
    said = query.rstrip(":,.;)]}")  # the sentence goes on behind it
    query = f"?***{query[len(said) :]}" if len(said) > 1 else query
    return f"{match['scheme']}{_hidden(match)}{match['path']}{query}"


def _hidden(match: "re.Match[str]") -> str:
    """The user and host of an address without what may be secret."""
    authority = match["authority"]
    user, at, host = authority.rpartition("@")
    if at:
        is_login = match["scheme"].lower().endswith("ssh://") and _PLAIN.issuperset(user)
        return authority if is_login or user in _NO_SECRETS else f"***@{host}"
    name, colon, port = authority.partition(":")
    is_cut = colon and port and not port.rstrip(":,.").isdigit() and not authority.startswith("[")
    return f"{name}:***" if is_cut else authority
