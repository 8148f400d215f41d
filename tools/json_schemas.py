"""Write the JSON Schemas of the files that people and agentpack write: `python tools/json_schemas.py`.

Each is made from the model that checks the file, `src/agentpack/input/schemas/`; only the lock has no model. A schema
allows whatever agentpack reads. What it cannot say (a range of versions, a licence) it leaves to agentpack.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from agentpack.input.schemas.base import EmptyAsAbsent, StrictModel
from agentpack.input.schemas.clients import ClientSchema
from agentpack.input.schemas.manifests import ManifestSchema
from agentpack.input.schemas.packs import PackSchema
from agentpack.input.schemas.policies import PolicyFileSchema

FOLDER = Path(__file__).parent.parent / "src" / "agentpack" / "schemas"
DRAFT = "http://json-schema.org/draft-07/schema#"
_MODELS: Mapping[str, tuple[str, type[StrictModel]]] = {
    "manifest": ("agentpack.yaml, the manifest of a project or user", ManifestSchema),
    "pack": ("pack.yaml, the manifest of a pack", PackSchema),
    "policy": ("a policy of agentpack in a file of its own", PolicyFileSchema),
    "client": ("a declared client of agentpack, .agentpack/clients/<name>.yaml", ClientSchema),
}


class _Generator(GenerateJsonSchema):
    """Leaves out titles and defaults, and says where agentpack takes a key without a value for absent."""

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        found = super().model_schema(schema)
        del found["title"]
        if issubclass(schema["cls"], EmptyAsAbsent):
            for key in found["properties"].keys() - found.get("required", ()):
                found["properties"][key] = self.get_union_of_schemas([found["properties"][key], {"type": "null"}])
        return found

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        found = super().dict_schema(schema)
        return {**found, "additionalProperties": False} if "patternProperties" in found else found

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def _of_model(model: type[StrictModel]) -> dict[str, Any]:
    found = model.model_json_schema(ref_template="#/definitions/{model}", schema_generator=_Generator)
    if "$defs" in found:
        found["definitions"] = found.pop("$defs")
    return found


_TEXT = {"type": "string"}
_TEXTS = {"type": "array", "items": _TEXT}
_NAMED_TEXTS = {"type": "object", "additionalProperties": _TEXT}
_DIGEST = {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"}
_HEX = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_NAME = {"type": "string", "pattern": "^[a-z0-9]+(?:-[a-z0-9]+)*$"}
_VERSION = {"type": "string", "pattern": "^[0-9][0-9A-Za-z!.+]*$", "maxLength": 100}


def _row(needed: Mapping[str, Any], other: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {**needed, **(other or {})}, "required": list(needed), **more}


def _rows(row: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": row}


def _lock() -> dict[str, Any]:
    declared = {"type": "object", "additionalProperties": _DIGEST, "propertyNames": _NAME}
    pack = _row(
        {
            "name": _NAME,
            "source": _TEXT,
            "version": _VERSION,
            "digest": _DIGEST,
            "variants": _TEXTS,
            "local_variants": _rows(_row({"persona": _TEXT, "name": _TEXT, "digest": _DIGEST})),
            "parameters": {"type": "object"},
            "requires": _TEXTS,
            "wanted_by": _TEXTS,
        },
        {
            "commit": {"type": "string", "pattern": "^(?:[0-9a-f]{40}|[0-9a-f]{64})$"},
            "repository": _TEXT,
            "as": _NAMED_TEXTS,
            "clients": _TEXTS,
            "agents": _rows(_row({"path": _TEXT, "sha256": _HEX}, {"left_out": _TEXT})),
        },
    )
    file = _row(
        {"path": _TEXT, "client": _TEXT, "pack": _TEXT, "persona": _TEXT, "sha256": _HEX},
        {"capabilities": _TEXT, "release": _VERSION},
    )
    entry = _row({"require": _TEXT}, {"clients": _TEXTS, "parameters": {"type": "object"}, "as": _NAMED_TEXTS})
    source = _row({"name": _TEXT}, {"packs": _TEXTS}, additionalProperties=_TEXT)
    manifest = {
        "clients": {"anyOf": [_TEXTS, {"type": "null"}]},
        "models": {"type": "object", "additionalProperties": _NAMED_TEXTS},
        "packs": _rows(entry),
        "sources": _rows(source),
    }
    packs = _rows({"$ref": "#/definitions/pack"})
    return {
        **_row(
            {
                "schema": {"enum": [1, 2]},
                "manifest": _row({}, manifest),
                "clients": _TEXTS,
                "packs": packs,
                "files": _rows(file),
            },
            {
                "declared": declared,
                "accepted": _TEXTS,
                "written": _row({"clients": _TEXTS, "packs": packs}, {"declared": declared}),
                "skipped": _rows(_row({"client": _TEXT, "pack": _TEXT, "persona": _TEXT, "reason": _TEXT})),
            },
            additionalProperties=False,
        ),
        "definitions": {"pack": pack},
    }


def schemas() -> dict[str, str]:
    """The text of each file, by its name."""
    found = {name: (title, _of_model(model)) for name, (title, model) in _MODELS.items()}
    found["lock"] = ("agentpack.lock", _lock())
    return {
        f"{name}.json": json.dumps({"$schema": DRAFT, "title": title, **schema}, indent=2, ensure_ascii=False) + "\n"
        for name, (title, schema) in found.items()
    }


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, text in schemas().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
