"""A lock with two packs and one file, for what is said of locks."""

from agentpack.model.lock import LocalVariant, Lock, LockedFile, LockedPack
from agentpack.model.names import PackName, digest_of

DIGEST = digest_of(b"x")


def pack(name: str, **more: object) -> LockedPack:
    values = {
        "version": "1.0.0",
        "source": "bundled",
        "digest": DIGEST,
        "variants": ("a",),
        "local_variants": (LocalVariant("reviewer", "house", DIGEST),),
        "parameters": {"b": 1, "a": "é"},
        "requires": ("other>=1",),
        "wanted_by": ("agentpack.yaml",),
    }
    return LockedPack(PackName(name), **{**values, **more})  # type: ignore[arg-type]


FILE = LockedFile(".claude/agents/reviewer.md", "claude", "x", "reviewer", "ab" * 32)
LOCK = Lock({"packs": []}, ("codex", "claude"), (pack("x"), pack("b")), (FILE,))
