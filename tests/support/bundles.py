"""Bundles made without a project."""

from collections.abc import Mapping

from agentpack.model.lock import Lock, LockedPack
from agentpack.model.names import PackName, content_digest
from agentpack.model.pack import agent_rows
from agentpack.sources.bundle import LOCK, folders_of, write_bundle


def bundle_of(releases: Mapping[str, Mapping[str, bytes]]) -> bytes:
    """A bundle of these releases, by name and version: `data-reviewer 1.0.0`. One without `pack.yaml` is of a
    collection.
    """
    rows = {}
    for release, files in releases.items():
        name, _, version = release.partition(" ")
        row = LockedPack(PackName(name), version, "team", content_digest(files.items()), (), (), {}, (), ())
        rows[release] = row if "pack.yaml" in files else row._replace(agents=agent_rows(files))
    lock = Lock({}, ("claude",), tuple(rows.values()), ())
    contents = {root: releases[f"{row.name} {row.version}"] for root, row in folders_of(lock).items()}
    return write_bundle({LOCK: lock.to_text().encode()}, lock, contents, "a bundle")
