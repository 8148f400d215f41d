"""Schema of a client declaration: where its agent files are, and how each field is written."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints, create_model

from agentpack.input.schemas.base import Kebab, Line, Schema, StrictModel, as_list, that
from agentpack.input.setting_forms import SETTING_FORMS
from agentpack.model.fields import WORDS

Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$", max_length=60)]
Off = Annotated[Literal[False], BeforeValidator(lambda value: str(value) if type(value) is int else value)]
"""`false`, and not 0, which equals it in Python."""
Form = Annotated[
    str,
    that(
        lambda text: "|" in text or text in SETTING_FORMS,
        f"is not one of {', '.join(SETTING_FORMS)}, or words separated by `|`",
    ),
]


_Words = Annotated[list[Line], Field(min_length=1)]


class UserFolderSchema(StrictModel):
    folder: Line


class ToolWordsSchema(StrictModel):
    key: Line
    style: Literal["list", "comma", "map"]
    deny: Key | None = None
    names: dict[
        Literal["read", "search", "edit", "shell", "web", "delegate"],
        Annotated[_Words, BeforeValidator(as_list, json_schema_input_type=Line | _Words)],
    ]


class _Client(StrictModel):
    schema_: Schema
    title: Line | None = None
    project: Line | None = None
    user: UserFolderSchema | None = None
    file: Line = "{name}.md"
    format: Literal["markdown", "toml", "json", "yaml", "body"] = "markdown"
    name: Key | Off = "name"
    description: Key | Off = "description"
    model: Key | Off = False
    models: list[Line] = []
    tools: ToolWordsSchema | None = None
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


_CHOICES: dict[str, Any] = {}
for _field in WORDS.values():
    _CHOICES[_field.name] = (Key | Off, False)
    _CHOICES[f"{_field.name}s"] = (dict[Literal[_field.words], Line], {})  # type: ignore[name-defined]
ClientSchema = create_model("ClientSchema", __base__=_Client, **_CHOICES)
