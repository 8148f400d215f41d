"""What a pack, a persona, a variant and a manifest may say: the trust boundary, checked strictly.

pydantic is imported here and nowhere else, so that a command which meets nothing unvalidated never loads it. The
result is plain data in one normal form, safe to keep as JSON under its digest; `model/` makes values of it. A fault
names file, line and dotted key, and an unknown key the nearest known one. All faults of a document come in one error.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Annotated, Any, Literal

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from agentpack.compose.parameters import Declaration, check_values
from agentpack.errors import AgentpackError, Fault, InvalidFile
from agentpack.model.capabilities import HEADS, PLAIN, is_capability
from agentpack.model.fields import COLORS, TOOLS
from agentpack.model.names import MAX_VERSION, did_you_mean, is_kebab, is_parameter, pack_name, persona_name_fault
from agentpack.model.requirement import parse_requirement
from agentpack.safety.documents import Document, Path, dotted
from agentpack.safety.patterns import matches
from agentpack.targets.declared import SETTING_FORMS

SCHEMA = 1


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, populate_by_name=True)


def _refuse(message: str) -> PydanticCustomError:
    return PydanticCustomError("agentpack", "{message}", {"message": message})


def _checked(check: Callable[[str], object]) -> AfterValidator:
    """A validator that lets a text pass when `check` does not raise, and says in our words why it does."""

    def validate(text: str) -> str:
        try:
            check(text)
        except AgentpackError as error:
            raise _refuse(error.message) from None
        return text

    return AfterValidator(validate)


def _that(holds: Callable[[str], bool], message: str) -> AfterValidator:
    def validate(text: str) -> str:
        if not holds(text):
            raise _refuse(f"`{text}` {message}")
        return text

    return AfterValidator(validate)


def _pack_name(text: str) -> None:
    if pack_name(text) != text:
        raise _refuse(f"`{text}` is not normalized: write `{pack_name(text)}`")


def _version(text: str) -> str:
    try:
        version = Version(text[: MAX_VERSION + 1])
    except InvalidVersion:
        raise _refuse(f"`{text}` is not a version such as `1.2.0`") from None
    if (
        len(text) > MAX_VERSION
        or len(version.release) != 3
        or version.local
        or version.is_postrelease
        or version.epoch
        or version.is_devrelease
    ):
        raise _refuse(f"`{text}`: a pack's version has three numbers, and perhaps a pre-release: `1.2.0`, `2.0.0rc1`")
    return text


def _specifiers(text: str) -> str:
    try:
        SpecifierSet(text)
    except InvalidSpecifier:
        raise _refuse(f"`{text}` is not a range of versions such as `>=1.1,<2`") from None
    return text


def _persona_name(text: str) -> str:
    if fault := persona_name_fault(text):
        raise _refuse(fault)
    return text


def _number(value: Any) -> Any:
    """`true` equals 1 to Python, and is no schema."""
    return "true" if value is True else value


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _tools(value: Any) -> Any:
    """A list of tool names, or one text with commas in which a parameter may stand."""
    if isinstance(value, str) and "{{" not in value:
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def _known_tools(value: str | list[str]) -> str | list[str]:
    for name in value if isinstance(value, list) else ():
        if name not in TOOLS:
            hint = did_you_mean(name.lower(), TOOLS)
            raise _refuse(f"`{name}` is not a tool ({', '.join(TOOLS)})" + (f"; {hint}" if hint else ""))
    return value


def _parts(value: Any) -> Any:
    """A description as a list of parts, each `{text, when}`."""
    parts = [value] if isinstance(value, str) else value
    if not isinstance(parts, list):
        return value
    return [{"text": part} if isinstance(part, str) else part for part in parts]


def _color(text: str) -> str:
    if "{{" not in text and text not in COLORS:
        raise _refuse(f"`{text}` is not a colour ({', '.join(COLORS)})")
    return text


def _when(text: str) -> str:
    if not WHEN.match(text):
        raise _refuse(f"`{text}` is not a condition: `flag`, `!flag` or `parameter:value`")
    return text


WHEN = re.compile(r"!?[a-z][a-z0-9_]*(?::[^\s{}]+)?\Z")

Line = Annotated[str, StringConstraints(min_length=1, max_length=2000, pattern=r"^[^\n]*$")]
Requirement = Annotated[str, _checked(parse_requirement)]
Kebab = Annotated[str, _that(is_kebab, "is not a name: lower-case letters, digits and single hyphens")]
ParameterName = Annotated[str, _that(is_parameter, "is not a parameter's name: lower case with underscores")]
Value = str | int | bool


class _Parameter(_Strict):
    type: Literal["string", "integer", "boolean"]
    default: Value
    description: Line
    choices: Annotated[list[str], Field(min_length=1)] | None = None
    pattern: str | None = None
    max_length: Annotated[int, Field(ge=1, le=2000)] | None = None
    minimum: int | str | None = None
    maximum: int | str | None = None


class _Pack(_Strict):
    schema_: Annotated[Literal[1], BeforeValidator(_number), Field(alias="schema")]
    name: Annotated[str, _checked(_pack_name)]
    version: Annotated[str, AfterValidator(_version)]
    description: Line
    license: Line | None = None
    authors: list[Line] = []
    homepage: Line | None = None
    keywords: list[Line] = []
    requires: list[Requirement] = []
    agentpack: Annotated[str, AfterValidator(_specifiers)] | None = None
    parameters: dict[ParameterName, _Parameter] = {}
    personas: list[Annotated[str, AfterValidator(_persona_name)]] | None = None


class _Part(_Strict):
    text: Annotated[str, StringConstraints(min_length=1, max_length=4000)]
    when: Annotated[str, AfterValidator(_when)] | None = None


Description = Annotated[list[_Part], BeforeValidator(_parts), Field(min_length=1)]
Tools = Annotated[str | list[str], BeforeValidator(_tools), AfterValidator(_known_tools)]
Color = Annotated[str, AfterValidator(_color)]
Natives = dict[Kebab, dict[str, Any]]


class _Budget(_Strict):
    words: Annotated[int, Field(ge=1)] | None = None
    tokens: Annotated[int, Field(ge=1)] | None = None
    description: Annotated[int, Field(ge=1)] | None = None


class _VariantBudget(_Strict):
    adds: Annotated[int, Field(ge=1)] | None = None
    whole: Annotated[int, Field(ge=1)] | None = None


class _Persona(_Strict):
    name: Annotated[str, AfterValidator(_persona_name)]
    description: Description
    model: Line | None = None
    color: Color | None = None
    tools: Tools | None = None
    extends: Requirement | None = None
    modules: dict[Kebab, Line] = {}
    clients: Natives = {}
    budget: _Budget | None = None


class _Set(_Strict):
    description: Description | None = None
    model: Line | None = None
    color: Color | None = None
    tools: Tools | None = None
    clients: Natives = {}
    parameters: dict[ParameterName, Value] = {}


class _Order(_Strict):
    after: Annotated[list[Kebab], BeforeValidator(_as_list)] = []


def _conflict(value: Any) -> Any:
    return {"with": [value]} if isinstance(value, str) else value


class _Conflict(_Strict):
    """Variants that, all together, exclude the one that says so."""

    with_: Annotated[list[Kebab], BeforeValidator(_as_list), Field(min_length=1, alias="with")]
    reason: Line | None = None


class _Variant(_Strict):
    summary: Line
    set: _Set = _Set()
    remove: list[Kebab] = []
    losses: list[Line] = []
    conflicts: list[Annotated[_Conflict, BeforeValidator(_conflict)]] = []
    requires: list[Kebab] = []
    order: _Order = _Order()
    budget: _VariantBudget | None = None


class _Case(_Strict):
    name: Line
    persona: Line | None = None
    variants: list[Kebab] = []
    parameters: dict[ParameterName, Value] = {}
    client: Kebab = "claude"
    present: list[Kebab] = []
    absent: list[Kebab] = []
    contains: list[str] = []
    lacks: list[str] = []
    fields: dict[Literal["description", "model", "color", "tools"], Any] = {}
    words: Annotated[int, Field(ge=0)] | None = None
    tokens: Annotated[int, Field(ge=0)] | None = None
    core_words: Annotated[int, Field(ge=0)] | None = None
    golden: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$", max_length=200)] | None = None
    refused: Line | None = None


class _PackTests(_Strict):
    schema_: Annotated[Literal[1], BeforeValidator(_number), Field(alias="schema")]
    tests: Annotated[list[_Case], Field(min_length=1)]


class _Wanted(_Strict):
    require: Requirement
    clients: list[Kebab] | None = None
    parameters: dict[ParameterName, Value] = {}
    as_: Annotated[dict[str, Annotated[str, AfterValidator(_persona_name)]], Field(alias="as")] = {}


def _not_bundled(name: str) -> str:
    """What is allowed of `bundled` is allowed of agentpack's own packs."""
    if name == "bundled":
        raise _refuse("`bundled` is the name of the packs that come with agentpack")
    return name


class _Source(_Strict):
    name: Annotated[Kebab, AfterValidator(_not_bundled)]
    path: Annotated[str, StringConstraints(min_length=1)]


class _Place(_Strict):
    folder: Line


class _ToolWords(_Strict):
    key: Line
    style: Literal["list", "comma", "map"]
    names: dict[
        Literal["read", "search", "edit", "shell", "web", "delegate"],
        Annotated[list[Line], BeforeValidator(_as_list), Field(min_length=1)],
    ]


Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$", max_length=60)]
Form = Annotated[
    str,
    _that(
        lambda text: "|" in text or text in SETTING_FORMS,
        f"is none of {', '.join(SETTING_FORMS)}, nor words with `|`",
    ),
]


class _Client(_Strict):
    schema_: Annotated[Literal[1], Field(alias="schema")]
    title: Line | None = None
    project: Line | None = None
    user: _Place | None = None
    file: Line = "{name}.md"
    format: Literal["markdown", "toml", "json", "body"] = "markdown"
    name: Key | Literal[False] = "name"
    description: Key | Literal[False] = "description"
    model: Key | Literal[False] = False
    models: list[Line] = []
    color: Key | Literal[False] = False
    colors: dict[Literal["red", "blue", "green", "yellow", "purple", "orange", "pink", "cyan"], Line] = {}
    tools: _ToolWords | None = None
    readonly: dict[Key, Any] = {}
    limits: list[Key] = []
    fixed: dict[Key, Any] = {}
    settings: dict[Key, Form] = {}
    body: Key | None = None
    live: list[Literal["${word}", "{file:}", "{env:}"]] = []
    long_description: Annotated[int, Field(ge=0)] = 0
    shortest_body: Annotated[int, Field(ge=0)] = 0
    longest_body: Annotated[int, Field(ge=0)] = 0
    markers: list[Line] | None = None
    reserved: list[Kebab] = []
    version: Line | None = None
    checked: Line | None = None
    reads: Line | None = None


def _wanted(value: Any) -> Any:
    return {"require": value} if isinstance(value, str) else value


def _pattern(text: str) -> str:
    """The name of a pack in which `*` may stand."""
    if "*" in text:
        if not re.fullmatch(r"[a-z0-9*]+(?:-[a-z0-9*]+)*", text):
            raise _refuse(f"`{text}` is not the name of a pack, in which `*` stands for any text")
    else:
        try:
            _pack_name(text)
        except AgentpackError as error:
            raise _refuse(error.message) from None
    return text


def _denied(text: str) -> str:
    """A requirement, or a pattern as for what is allowed."""
    if "*" in re.split(r"[\s\[<>=!~@;,]", text, maxsplit=1)[0]:
        return _pattern(text)
    try:
        requirement = parse_requirement(text)
    except AgentpackError as error:
        raise _refuse(error.message) from None
    if requirement.url is not None or requirement.newest:
        raise _refuse(f"`{text}`: name the pack, and a range of versions if wanted: `acme<2`")
    return text


def _source(text: str) -> str:
    if "/" not in text and not is_kebab(text):
        raise _refuse(f"`{text}` is neither the name of a source nor a place with `/`")
    return text


def _licence(text: str) -> str:
    """One SPDX licence, as SPDX writes it."""
    from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

    try:
        written = str(canonicalize_license_expression(text))
    except InvalidLicenseExpression:
        near = did_you_mean(text, _LICENCES)
        raise _refuse(f"`{text}` is not an SPDX licence" + (f"; {near}" if near else "")) from None
    if re.search(r"\b(?:AND|OR)\b|[()]", written):
        raise _refuse(f"`{text}`: write one licence in each line; an expression of a pack is judged by its parts")
    return written


_LICENCES = (
    "MIT Apache-2.0 BSD-2-Clause BSD-3-Clause ISC MPL-2.0 CC0-1.0 CC-BY-4.0 CC-BY-SA-4.0 Unlicense 0BSD GPL-2.0-only "
    "GPL-2.0-or-later GPL-3.0-only GPL-3.0-or-later LGPL-2.1-or-later LGPL-3.0-or-later AGPL-3.0-only AGPL-3.0-or-later"
).split()
"""Those that are offered when one is misspelled; every licence of SPDX is known."""


def _capability(text: str) -> str:
    """A word of capabilities, or the head of some with a name in which `*` stands for any text."""
    if is_capability(text) and text == text.strip():
        return text
    known = [*PLAIN, *(f"{kind}:*" for kind in HEADS)]
    near = did_you_mean(text, known)
    raise _refuse(f"`{text}` is not a capability ({', '.join(known)})" + (f"; {near}" if near else ""))


def _days(value: Any) -> Any:
    if isinstance(value, str):
        found = re.fullmatch(r"([0-9]{1,5}) ?days?", value)
        if found is None:
            raise _refuse(f"`{value[:40]}` is not a number of days such as `14` or `14 days`")
        return int(found[1])
    return value


_UNITS = {"B": 1, "bytes": 1, "kB": 1000, "KiB": 1 << 10, "MB": 1_000_000, "MiB": 1 << 20, "GB": 10**9, "GiB": 1 << 30}


def _bytes(value: Any) -> Any:
    if isinstance(value, str):
        found = re.fullmatch(r"([0-9]{1,15}) ?([A-Za-z]+)", value)
        if found is None or found[2] not in _UNITS:
            raise _refuse(f"`{value[:40]}` is not a size such as `65536`, `256 KiB` or `1 MiB`")
        return int(found[1]) * _UNITS[found[2]]
    return value


_UNSAID: Any = None
"""A default that is not validated: a key without a value is a fault, for nothing is no list."""


class _Sources(_Strict):
    allow: list[Annotated[str, AfterValidator(_source)]] = _UNSAID
    deny: list[Annotated[str, AfterValidator(_source)]] = _UNSAID


class _Packs(_Strict):
    allow: list[Annotated[str, AfterValidator(_pattern)]] = _UNSAID
    deny: list[Annotated[str, AfterValidator(_denied)]] = _UNSAID


class _Licenses(_Strict):
    allow: list[Annotated[str, AfterValidator(_licence)]] = _UNSAID
    deny: list[Annotated[str, AfterValidator(_licence)]] = _UNSAID


class _Capabilities(_Strict):
    allow: list[Annotated[str, AfterValidator(_capability)]] = _UNSAID
    deny: list[Annotated[str, AfterValidator(_capability)]] = _UNSAID
    accept: list[Annotated[str, AfterValidator(_capability)]] = _UNSAID


class _Policy(_Strict):
    sources: _Sources = _UNSAID
    packs: _Packs = _UNSAID
    licenses: _Licenses = _UNSAID
    capabilities: _Capabilities = _UNSAID
    hidden_text: Literal["refuse", "report"] = _UNSAID
    minimum_age: Annotated[int, BeforeValidator(_days), Field(ge=0, le=36500)] = _UNSAID
    maximum_size: Annotated[int, BeforeValidator(_bytes), Field(ge=0)] = _UNSAID


class _PolicyFile(_Policy):
    schema_: Annotated[Literal[1], BeforeValidator(_number), Field(alias="schema")] = _UNSAID


class _Manifest(_Strict):
    schema_: Annotated[Literal[1], BeforeValidator(_number), Field(alias="schema")]
    policy: _Policy = _UNSAID
    clients: list[Kebab] | None = None
    packs: list[Annotated[_Wanted, BeforeValidator(_wanted)]] = []
    models: dict[str, dict[Kebab, Line]] = {}
    sources: list[_Source] = []


_POLICY: Mapping[str, type[_Strict]] = {
    "sources": _Sources,
    "packs": _Packs,
    "licenses": _Licenses,
    "capabilities": _Capabilities,
}
_KINDS: Mapping[str, type[_Strict]] = {
    "pack": _Pack,
    "persona": _Persona,
    "variant": _Variant,
    "manifest": _Manifest,
    "client": _Client,
    "tests": _PackTests,
    "policy": _PolicyFile,
}


def validate(kind: str, document: Document) -> dict[str, Any]:
    """The document's data in normal form, once it fits its kind: `pack`, `persona`, `variant`, `manifest`, `client`,
    `tests` or `policy`.

    Raises:
        InvalidFile: with all faults.
    """
    model = _KINDS[kind]
    if not isinstance(document.data, dict):
        raise InvalidFile([Fault(document.file, 1, "", "a map of keys and values is expected")])
    if kind in ("pack", "manifest", "client", "tests", "policy"):
        _newer_schema(document)
    try:
        value = model.model_validate(document.data)
    except ValidationError as error:
        raise InvalidFile(_faults(error.errors(), model, document)) from None
    data = value.model_dump(by_alias=True, exclude_none=True)
    if kind == "pack":
        faults = list(_parameter_faults(value, document))  # type: ignore[arg-type]
        if faults:
            raise InvalidFile(faults)
    if kind == "policy":
        return dict(_with_lines(data, document, ()))
    if "policy" in data:
        data["policy"] = dict(_with_lines(data["policy"], document, ("policy",)))
    return data


def _with_lines(policy: Mapping[str, Any], document: Document, path: Path) -> Iterable[tuple[str, Any]]:
    """Each setting of a policy with its line, each list with that of every item: a refusal names what decided it."""
    for key in ("hidden_text", "minimum_age", "maximum_size"):
        if key in policy:
            yield key, [policy[key], document.line_of((*path, key))]
    for key in ("sources", "packs", "licenses", "capabilities"):
        for name, items in policy.get(key, {}).items():
            place = (*path, key, name)
            rows = [[item, document.line_of((*place, index))] for index, item in enumerate(items)]
            yield f"{key}.{name}", [rows, document.line_of(place)]


def _newer_schema(document: Document) -> None:
    schema = document.data.get("schema")
    if isinstance(schema, int) and not isinstance(schema, bool) and schema > SCHEMA:
        message = f"schema {schema} is newer than this agentpack reads (schema {SCHEMA})"
        raise InvalidFile(
            [Fault(document.file, document.line_of(("schema",)), "schema", message)], hint="upgrade agentpack"
        )


def _faults(errors: Iterable[ErrorDetails], model: type[_Strict], document: Document) -> list[Fault]:
    faults = []
    seen: set[tuple[Path, str]] = set()
    for error in errors:
        path, known = _place(error["loc"], model, document.data)
        message, hint = _words(error, path, known)
        if (path, message) not in seen:
            seen.add((path, message))
            faults.append(Fault(document.file, document.line_of(path), dotted(path), message, hint))
    return faults


def _place(loc: tuple[int | str, ...], model: type[_Strict], data: Any) -> tuple[Path, list[str]]:
    """The part of pydantic's location that exists in the document, and the keys known where it ends."""
    path: list[int | str] = []
    here: Any = data
    for part in loc:
        if (isinstance(here, dict) and part in here) or (isinstance(here, list) and _is_index(part, here)):
            path.append(part)
            here = here[part]  # type: ignore[index]
        elif isinstance(here, dict) and part in _every_key():
            path.append(part)  # a key that is missing
            here = None
    return tuple(path), sorted(_known_keys(tuple(path[:-1]), model))


def _is_index(part: int | str, items: list[Any]) -> bool:
    return isinstance(part, int) and part < len(items)


@cache
def _every_key() -> frozenset[str]:
    packs = (_Parameter, _Part, _Set, _Order, _Conflict, _Case, _Budget, _VariantBudget)
    parts = (*packs, _Wanted, _Source, _Place, _ToolWords)
    models: tuple[type[_Strict], ...] = (*_KINDS.values(), *parts, *_POLICY.values())
    return frozenset(key for model in models for key in _keys(model))


def _keys(model: type[_Strict]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _known_keys(path: Path, model: type[_Strict]) -> list[str]:
    """The keys that a map at `path` may have."""
    parts = [part for part in path if isinstance(part, str)]
    nested: Mapping[str, type[_Strict]]
    nested = {"parameters": _Parameter, "description": _Part, "set": _Set, "order": _Order}
    nested = {**nested, "packs": _Wanted, "sources": _Source}
    nested = {**nested, "conflicts": _Conflict, "tests": _Case, "budget": _Budget}
    found: type[_Strict] = model
    if model is _PolicyFile:
        nested = _POLICY
    for part in parts:
        if found is _Manifest and part == "policy":
            found, nested = _Policy, _POLICY
        found = nested.get(part, found)
    return _keys(found)


def _words(error: ErrorDetails, path: Path, known: list[str]) -> tuple[str, str | None]:
    kind, message = error["type"], error["msg"]
    if kind == "extra_forbidden":
        key = str(path[-1]) if path else ""
        return f"unknown key `{key}`", did_you_mean(key, known) or f"known: {', '.join(known)}"
    if kind == "missing":
        return f"the key `{path[-1]}` is missing", None
    if kind in _EXPECTED:
        return f"expected {_EXPECTED[kind]}, found {_shown(error['input'])}", None
    if kind == "literal_error":
        return f"expected {error['ctx']['expected']}, found {_shown(error['input'])}".replace("'", "`"), None
    return message[0].lower() + message[1:], None


_EXPECTED = {
    "string_type": "text (in quotes if it looks like a number)",
    "int_type": "a whole number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a map",
    "model_type": "a map",
    "model_attributes_type": "a map",
}


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a map"
    if isinstance(value, list):
        return "a list"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"`{text[:40]}`"


def _parameter_faults(pack: _Pack, document: Document) -> Iterable[Fault]:
    """What a single field cannot see: that constraints fit the type and that defaults keep to them."""
    declarations: dict[str, Declaration] = {}
    for name, spec in pack.parameters.items():
        path: Path = ("parameters", name)
        allowed = {"string": {"choices", "pattern", "max_length"}, "integer": {"minimum", "maximum"}, "boolean": set()}
        given = spec.model_dump(exclude_none=True)
        for key in sorted(given.keys() - {"type", "default", "description"} - allowed[spec.type]):
            line = document.line_of((*path, key))
            yield Fault(document.file, line, dotted((*path, key)), f"`{key}` has no meaning for type {spec.type}")
        for key in ("minimum", "maximum"):
            other = given.get(key)
            if isinstance(other, str) and getattr(pack.parameters.get(other), "type", None) != "integer":
                line = document.line_of((*path, key))
                yield Fault(document.file, line, dotted((*path, key)), f"`{other}` is not an integer parameter")
                return
        if spec.pattern is not None:
            try:
                matches(spec.pattern, "")
            except ValueError as error:
                line = document.line_of((*path, "pattern"))
                yield Fault(document.file, line, dotted((*path, "pattern")), f"not a regular expression: {error}")
                return
        declarations[name] = Declaration.from_data(name, given)
    defaults = {name: declaration.default for name, declaration in declarations.items()}
    for name, message in check_values(declarations, defaults):
        path = ("parameters", name, "default")
        yield Fault(document.file, document.line_of(path), dotted(path), message)
