"""The OpenAPI document, made from the table of routes and the models of the wire."""

import json
import re
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from jupyter_flotilla import __version__
from jupyter_flotilla.server.handler import Route
from jupyter_flotilla.server.wire.base import Error
from jupyter_flotilla.server.wire.places import StatusOut
from jupyter_flotilla.server.wire.runs import RunOut

_REF = "#/components/schemas/{model}"
_ERRORS = {
    "400": "It cannot be read",
    "401": "Nobody is logged in",
    "403": "That may not be done",
    "404": "There is no such run or file",
    "409": "It cannot be done as it stands, or needs a consent",
    "413": "It is too large",
    "422": "A value is wrong",
    "507": "The disk is full",
}
_PARTS = {
    "run": {"type": "string", "pattern": "^r[0-9a-hjkmnp-tv-z]{12}$"},
    "schedule": {"type": "string", "pattern": "^s[0-9a-hjkmnp-tv-z]{12}$"},
    "number": {"type": "integer", "minimum": 1, "maximum": 9_999_999},
    "path": {"type": "string", "minLength": 1},
    "name": {"type": "string", "minLength": 1, "pattern": "^[^/]+$"},
}


class _Generate(GenerateJsonSchema):
    """What goes out has all of its fields, those with defaults too."""

    def field_is_required(self, field: Any, total: bool) -> bool:
        return self.mode == "serialization" or super().field_is_required(field, total)


def document(routes: Iterable[Route], base: str) -> dict[str, Any]:
    """Return the document.

    Parameters
    ----------
    base
        Address below which the routes are.
    """
    routes = list(routes)
    schemas, definitions = _schemas(routes)
    paths: dict[str, Any] = {}
    for route in routes:
        path = "/" + route.path.replace("…", "")
        paths.setdefault(path, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Flotilla",
            "version": __version__,
            "description": "Jobs of this Jupyter server. A change needs the header X-XSRFToken or "
            "the server's token.",
        },
        "servers": [{"url": base.rstrip("/")}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": definitions,
            "securitySchemes": {
                "token": {"type": "apiKey", "in": "header", "name": "Authorization",
                          "description": "token TOKEN"},
            },
        },
    }  # fmt: skip


def _schemas(routes: Iterable[Route]) -> tuple[dict[Any, Any], dict[str, Any]]:
    """Return the schema of each model, and the definitions that they refer to."""
    incoming = {route.body for route in routes if route.body is not None}
    outgoing: set[type[BaseModel]] = {route.answer for route in routes if route.answer is not None}
    outgoing |= {Error, RunOut, StatusOut}
    keys, top = models_json_schema(
        [*((model, "validation") for model in sorted(incoming, key=_name)),
         *((model, "serialization") for model in sorted(outgoing, key=_name))],
        ref_template=_REF, schema_generator=_Generate,
    )  # fmt: skip
    return {model: schema for (model, _), schema in keys.items()}, _untitled(top.get("$defs", {}))


def _untitled(schema: Any) -> Any:
    """Return a schema without titles: they repeat the names that stand before them."""
    if isinstance(schema, list):
        return [_untitled(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _untitled(one)
        for key, one in schema.items()
        if not (key == "title" and isinstance(one, str))
    }


def _name(model: type[BaseModel]) -> str:
    return model.__name__


def _operation(route: Route, schemas: dict[Any, Any]) -> dict[str, Any]:
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": _PARTS[name]}
        for name in re.findall(r"\{([a-z]+)…?\}", route.path)
    ]
    parameters += _query(route.query)
    answer: dict[str, Any] = {"description": route.summary}
    if route.answer is not None:
        answer["content"] = {"application/json": {"schema": schemas[route.answer]}}
    else:
        answer["content"] = {"*/*": {"schema": {}}}
    error = {"application/json": {"schema": schemas[Error]}}
    responses = {str(route.status): answer}
    if route.answer is None:
        responses |= {"206": answer, "416": {"description": "No such part", "content": error}}
    for status, description in _ERRORS.items():
        responses[status] = {"description": description, "content": error}
    words = [route.method.lower(), *re.findall(r"[a-z]+", route.path)]
    operation: dict[str, Any] = {
        "operationId": "_".join(words),
        "summary": route.summary,
        "parameters": parameters,
        "responses": responses,
    }
    if route.body is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schemas[route.body]}},
        }
    return operation


def _query(model: type[BaseModel]) -> list[dict[str, Any]]:
    schema = model.model_json_schema(ref_template=_REF)
    defined = schema.get("$defs", {})
    return [
        {"name": name, "in": "query", "required": name in schema.get("required", ()),
         "schema": _inlined(one, defined)}
        for name, one in schema.get("properties", {}).items()
    ]  # fmt: skip


def _inlined(schema: Any, defined: dict[str, Any]) -> Any:
    """Return a parameter's schema without references, and without null: absent is not sent."""
    if isinstance(schema, list):
        return [_inlined(one, defined) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inlined(defined[schema["$ref"].rpartition("/")[2]], defined)
    options = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
    if len(options) == 1:
        return _inlined(options[0], defined)
    return {key: _inlined(one, defined) for key, one in schema.items() if key != "default"}


def main() -> None:
    """Print the document: ``labextension/openapi.json``, of which the types there are made."""
    from jupyter_flotilla.server.routes import ROUTES

    print(json.dumps(document(ROUTES, "/flotilla/api"), indent=1, sort_keys=True))


if __name__ == "__main__":
    main()
