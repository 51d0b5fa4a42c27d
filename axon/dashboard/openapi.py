"""The API described in its own terms: made of the routes, so it cannot say anything else."""

import re
from collections.abc import Iterable
from typing import Any

from axon.dashboard.route import MOST, Field, Route

KINDS: dict[str, dict[str, Any]] = {
    "text": {"type": "string"},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "texts": {"type": "array", "items": {"type": "string"}},
    "object": {"type": "object"},
    "any": {},
}
ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {"code": {"type": "string"}, "message": {"type": "string"}},
        }
    },
}


def document(routes: Iterable[Route], version: str) -> dict[str, Any]:
    paths: dict[str, Any] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "axon", "version": version},
        "paths": paths,
        "components": {
            "schemas": {"Error": ERROR},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}],
    }


def _operation(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": route.doc,
        "operationId": f"{route.method.lower()}{re.sub(r'[^a-zA-Z]+', '_', route.path)}",
        "parameters": [
            *map(_path, re.findall(r"\{(\w+)\}", route.path)),
            *map(_query, route.query),
        ],
        "responses": {
            str(route.status): {"description": "as asked"},
            "default": {
                "description": "what is wrong",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
            },
        },
    }
    if route.if_match:
        header = {"name": "If-Match", "in": "header", "schema": {"type": "string"}}
        operation["parameters"].append(header)
    if route.method != "GET":
        operation["requestBody"] = {"content": {"application/json": {"schema": _body(route)}}}
    if route.open:
        operation["security"] = []
    return operation


def _path(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _query(field: Field) -> dict[str, Any]:
    found = {
        "name": field.name,
        "in": "query",
        "required": field.required,
        "schema": _schema(field),
    }
    return found | ({"description": field.doc} if field.doc else {})


def _body(route: Route) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": [field.name for field in route.body if field.required],
        "properties": {
            field.name: _schema(field) | ({"description": field.doc} if field.doc else {})
            for field in route.body
        },
    }


def _schema(field: Field) -> dict[str, Any]:
    schema = dict(KINDS[field.kind])
    if field.choices:
        choices = {"enum": [str(choice) for choice in field.choices]}
        schema |= {"items": choices | {"type": "string"}} if field.kind == "texts" else choices
    if field.kind in ("integer", "number"):
        schema["minimum"] = field.least
        if field.most < MOST:
            schema["maximum"] = field.most
    if field.default is not None:
        schema["default"] = field.default
    return schema
