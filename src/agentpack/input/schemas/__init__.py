"""Schemas of packs, personas, variants, manifests, clients, tests and policies: the trust boundary, checked strictly.

pydantic is imported in `input/` only, so that commands which meet nothing new never load it. The result is plain data
in normal form, safe to cache as JSON under its digest; `model/` turns it into values. A fault names file, line and
dotted key, and suggests the nearest key for an unknown one. All faults of a document are reported together.

The model of each kind is in its own module, which is imported when a document of that kind is read.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from agentpack.errors import Fault, InvalidFile
from agentpack.input.documents import Document
from agentpack.input.schemas.plain import plain_form

if TYPE_CHECKING:
    from agentpack.input.schemas.base import StrictModel  # pydantic is loaded only for what is not plain

__all__ = ["SCHEMA", "validate", "validate_by_model"]

SCHEMA = 1

_KINDS: Mapping[str, tuple[str, str]] = {
    "pack": ("packs", "PackSchema"),
    "persona": ("personas", "PersonaSchema"),
    "variant": ("personas", "VariantSchema"),
    "manifest": ("manifests", "ManifestSchema"),
    "client": ("clients", "ClientSchema"),
    "tests": ("cases", "PackTestsSchema"),
    "policy": ("policies", "PolicyFileSchema"),
}
"""Every kind of document: the module and the name of its model."""


def validate(kind: str, document: Document) -> dict[str, Any]:
    """The document's data in normal form. Kinds: `pack`, `persona`, `variant`, `manifest`, `client`, `tests`, `policy`.

    Raises:
        InvalidFile: lists every fault.
    """
    if not isinstance(document.data, dict):
        raise InvalidFile([Fault(document.file, 1, "", "expected a map of keys and values")])
    plain = plain_form(kind, document.data)
    return validate_by_model(kind, document) if plain is None else plain


def validate_by_model(kind: str, document: Document) -> dict[str, Any]:
    """The same for any map, by the model of its kind."""
    from pydantic import ValidationError

    model = _model(kind)
    if kind in ("pack", "manifest", "client", "tests", "policy"):
        _newer_schema(document)
    try:
        value = model.model_validate(document.data)
    except ValidationError as error:
        from agentpack.input.schemas.faults import faults_of

        raise InvalidFile(faults_of(error.errors(), model, document)) from None
    data = value.model_dump(by_alias=True, exclude_none=True)
    if kind == "pack":
        from agentpack.input.schemas.packs import parameter_faults

        faults = list(parameter_faults(value, document))  # type: ignore[arg-type]
        if faults:
            raise InvalidFile(faults)
    if kind == "policy" or "policy" in data:
        from agentpack.input.schemas.policies import with_lines

        if kind == "policy":
            return dict(with_lines(data, document, ()))
        data["policy"] = dict(with_lines(data["policy"], document, ("policy",)))
    return data


def _model(kind: str) -> "type[StrictModel]":
    module, name = _KINDS[kind]
    model: type[StrictModel] = getattr(import_module(f"agentpack.input.schemas.{module}"), name)
    return model


def _newer_schema(document: Document) -> None:
    schema = document.data.get("schema")
    if isinstance(schema, int) and not isinstance(schema, bool) and schema > SCHEMA:
        message = f"schema {schema} is newer than this agentpack reads (schema {SCHEMA})"
        raise InvalidFile(
            [Fault(document.file, document.line_of(("schema",)), "schema", message)], hint="upgrade agentpack"
        )
