"""Rules about who owns a file. Opens and changes nothing.

Decides two things: which links out of a root are the user's own (link and target belong to the user), and which state
folder is trusted: one that nobody else could have written, because it decides what the next command writes and deletes.
"""

import os
import stat

from agentpack.errors import Refused


def is_own(found: os.stat_result) -> bool:
    """Whether the file belongs to the current user."""
    return found.st_uid == os.geteuid()


def refuse_state(where: str, found: os.stat_result, around: os.stat_result | None) -> None:
    """Check that a folder of the state, or of the user's configuration, can be trusted.

    Args:
        around: the project's own folder, or the home folder root works in; else None. Root believes the state of the
            user whose folder that is, which can reach nothing outside of it. A project everybody may write to, as on a
            file system without permissions, is no better protected than its state.

    Raises:
        Refused: it belongs to somebody else, or everybody may write to it.
    """
    user = os.geteuid()
    mine = found.st_uid in (user, 0) or (user == 0 and around is not None and around.st_uid == found.st_uid)
    if not mine:
        hint = f"if you trust its contents: `sudo chown -R {user_name(user)} {where}`"
        if user == 0:
            hint = f"run the command as {user_name(found.st_uid)}, without sudo"
        raise Refused(f"`{where}` belongs to another user, {user_name(found.st_uid)}", hint=hint)
    if found.st_mode & stat.S_IWOTH and not (around is not None and around.st_mode & stat.S_IWOTH):
        raise Refused(
            f"every user of this machine can write to `{where}`",
            details=("its contents decide which files agentpack writes and deletes",),
            hint=f"if you trust its contents: `chmod -R o-w {where}`",
        )


def refuse_link(where: str, root: str, real: str, found: os.stat_result | None) -> Refused:
    """The error for a link that is not followed: it leads out of its root, or `found` (its target) belongs to somebody
    else.
    """
    if found is None:
        return Refused(
            f"`{where}` is a link that leads out of `{root}`",
            details=(f"it leads to {real}",),
            hint="replace it with a real folder or file",
        )
    return Refused(
        f"`{where}` is a link to a place that belongs to another user",
        details=(f"it leads to {real}, which belongs to {user_name(found.st_uid)}",),
        hint="replace it with a real folder or file",
    )


def user_name(user: int) -> str:
    """The name of a user, or the number of a user without a name."""
    import pwd  # only for an error

    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)
