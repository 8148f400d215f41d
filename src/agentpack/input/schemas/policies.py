"""Schema of a policy, in its own file or in a manifest: allow and deny lists, ages and sizes."""

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StrictBool

from agentpack.errors import AgentpackError
from agentpack.input.documents import Document, Path
from agentpack.input.schemas.base import PackPattern, Schema, StrictModel, refuse, shaped, without_secret
from agentpack.model.capabilities import HEADS, PLAIN, is_capability
from agentpack.model.globs import check_pack_pattern
from agentpack.model.names import did_you_mean, is_kebab
from agentpack.model.requirement import parse_requirement


def _denied(text: str) -> str:
    """The text, if it is a requirement or a pattern of pack names. Raises the validator's error if it is neither."""
    try:
        if "*" in re.split(r"[\s\[<>=!~@;,]", text, maxsplit=1)[0]:
            check_pack_pattern(text)
            return text
        requirement = parse_requirement(text)
    except AgentpackError as error:
        raise refuse(error.message) from None
    if requirement.url is not None or requirement.newest:
        raise refuse(f"`{text}`: write a pack name and an optional version range, like `acme<2`")
    return text


def _source(text: str) -> str:
    """The name of a source, or an absolute place: a relative one would match no source."""
    if "/" not in text and not is_kebab(text):
        raise refuse(f"`{text}` is neither a source name nor a place with `/`")
    if "/" in text and not re.match(r"/|[a-z][a-z0-9+.-]*://", text):
        raise refuse(f"`{text}` is not a full path or URL: write `/srv/packs` or `https://packs.example.com/index`")
    return without_secret(text)


_LICENCES = (
    "MIT Apache-2.0 BSD-2-Clause BSD-3-Clause ISC MPL-2.0 CC0-1.0 CC-BY-4.0 CC-BY-SA-4.0 Unlicense 0BSD GPL-2.0-only "
    "GPL-2.0-or-later GPL-3.0-only GPL-3.0-or-later LGPL-2.1-or-later LGPL-3.0-or-later AGPL-3.0-only AGPL-3.0-or-later"
).split()
"""Licences suggested for a misspelled one; every SPDX licence is accepted."""


def _licence(text: str) -> str:
    """One SPDX licence, in SPDX's spelling."""
    from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

    try:
        written = str(canonicalize_license_expression(text))
    except InvalidLicenseExpression:
        near = did_you_mean(text, _LICENCES)
        raise refuse(f"`{text}` is not an SPDX licence" + (f"; {near}" if near else "")) from None
    if re.search(r"\b(?:AND|OR)\b|[()]", written):
        raise refuse(f"`{text}`: write one licence per line; a pack's licence expression is checked part by part")
    return written


def _capability(text: str) -> str:
    """A capability word, or the head of one with a name in which `*` matches any text."""
    if is_capability(text) and text == text.strip():
        return text
    known = [*PLAIN, *(f"{kind}:*" for kind in HEADS)]
    near = did_you_mean(text, known)
    raise refuse(f"`{text}` is not a capability ({', '.join(known)})" + (f"; {near}" if near else ""))


def _days(value: Any) -> Any:
    if isinstance(value, str):
        found = re.fullmatch(r"([0-9]{1,5}) ?days?", value)
        if found is None:
            raise refuse(f"`{value[:40]}` is not a number of days such as `14` or `14 days`")
        return int(found[1])
    return value


_UNITS = {"B": 1, "bytes": 1, "kB": 1000, "KiB": 1 << 10, "MB": 1_000_000, "MiB": 1 << 20, "GB": 10**9, "GiB": 1 << 30}


def _bytes(value: Any) -> Any:
    if isinstance(value, str):
        found = re.fullmatch(r"([0-9]{1,15}) ?([A-Za-z]+)", value)
        if found is None or found[2] not in _UNITS:
            raise refuse(f"`{value[:40]}` is not a size such as `65536`, `256 KiB` or `1 MiB`")
        return int(found[1]) * _UNITS[found[2]]
    return value


_Days = Annotated[int, Field(ge=0, le=36500)]
_DaysText = Annotated[str, shaped("[0-9]{1,5} ?days?")]
_Bytes = Annotated[int, Field(ge=0)]
_BytesText = Annotated[str, shaped(f"[0-9]{{1,15}} ?(?:{'|'.join(_UNITS)})")]

UNSAID: Any = None
"""A default that is not validated, because a key without a value must be a fault."""


class SourcesSchema(StrictModel):
    allow: list[Annotated[str, AfterValidator(_source)]] = UNSAID
    deny: list[Annotated[str, AfterValidator(_source)]] = UNSAID


class PacksSchema(StrictModel):
    allow: list[PackPattern] = UNSAID
    deny: list[Annotated[str, AfterValidator(_denied), shaped(r"\s*\S[^\n]*\s*")]] = UNSAID


class LicensesSchema(StrictModel):
    allow: list[Annotated[str, AfterValidator(_licence)]] = UNSAID
    deny: list[Annotated[str, AfterValidator(_licence)]] = UNSAID


class CapabilitiesSchema(StrictModel):
    allow: list[Annotated[str, AfterValidator(_capability)]] = UNSAID
    deny: list[Annotated[str, AfterValidator(_capability)]] = UNSAID
    accept: list[Annotated[str, AfterValidator(_capability)]] = UNSAID


class PolicySchema(StrictModel):
    sources: SourcesSchema = UNSAID
    packs: PacksSchema = UNSAID
    licenses: LicensesSchema = UNSAID
    capabilities: CapabilitiesSchema = UNSAID
    hidden_text: Literal["refuse", "report"] = UNSAID
    minimum_age: Annotated[_Days, BeforeValidator(_days, json_schema_input_type=_Days | _DaysText)] = UNSAID
    maximum_size: Annotated[_Bytes, BeforeValidator(_bytes, json_schema_input_type=_Bytes | _BytesText)] = UNSAID
    signed_tags: StrictBool = UNSAID


class PolicyFileSchema(PolicySchema):
    schema_: Schema = UNSAID


SECTIONS: Mapping[str, type[StrictModel]] = {
    "sources": SourcesSchema,
    "packs": PacksSchema,
    "licenses": LicensesSchema,
    "capabilities": CapabilitiesSchema,
}


def with_lines(policy: Mapping[str, Any], document: Document, path: Path) -> Iterable[tuple[str, Any]]:
    """Each setting of a policy with its line, and for lists the line of every item, so that a refusal can name what
    decided it.
    """
    for key, value in policy.items():
        if not isinstance(value, Mapping):
            yield key, [value, document.line_of((*path, key))]
            continue
        for name, items in value.items():
            place = (*path, key, name)
            rows = [[item, document.line_of((*place, index))] for index, item in enumerate(items)]
            yield f"{key}.{name}", [rows, document.line_of(place)]
