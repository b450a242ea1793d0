"""The service's description of itself, OpenAPI 3.1."""

from __future__ import annotations

from typing import Any

import ganforge
from ganforge.core.codec import PNG
from ganforge.core.space import Space
from ganforge.runs.translator import Translator
from ganforge.shipping.asking import own_format
from ganforge.shipping.limits import Limits
from ganforge.shipping.opening import Shipped
from ganforge.shipping.posting import CONDITION_FIELDS, most_numbers

__all__ = ["openapi"]


def openapi(name: str, made: Shipped, limits: Limits, abilities: list[str]) -> dict[str, Any]:
    """What is there, what it takes and what it gives; paths that this model cannot serve are left out."""
    space = made.space
    main = (
        {"/translate": {"post": _translate(made, limits)}}
        if isinstance(made, Translator)
        else {"/sample": {"post": _sample(space, made.conditions, limits)}}
    )
    what = "a translator to" if isinstance(made, Translator) else "a generator of"
    paths: dict[str, Any] = {
        "/": {"get": _get("a page to try it", "text/html")},
        "/health": {"get": _get("whether it is up", "application/json")},
        "/openapi.json": {"get": _get("this description", "application/json")},
        "/metrics": {"get": {**_get("counts for Prometheus", "text/plain"), "security": [{"token": []}]}},
        **main,
    }
    for ability in abilities:
        paths[f"/{ability}"] = {"post": _able(ability, space)}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"{name}: {what} {space.describe()}",
            "version": ganforge.__version__,
        },
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {
                "Error": {
                    "type": "object",
                    "required": ["error"],
                    "properties": {"error": {"type": "string"}},
                }
            },
        },
    }


def _get(words: str, media: str) -> dict[str, Any]:
    return {"summary": words, "responses": {"200": {"description": words, "content": {media: {}}}}}


def _sample(space: Space, conditions: int, limits: Limits) -> dict[str, Any]:
    most = min(limits.samples, max(1, limits.numbers // space.size))
    fields: dict[str, Any] = {
        "n": _whole(1, most, 1, "how many samples"),
        "seed": _whole(0, (1 << 63) - 1, 0, "the same seed gives the same samples"),
        "start": _whole(0, 1_000_000_000, 0, "number of the first sample of the seed"),
        "truncation": {
            "type": "number",
            "minimum": 0,
            "maximum": 1,
            "default": 1,
            "description": "less is more typical and less varied",
        },
        "format": {
            "enum": [*filter(None, ("png", "npy", "json", own_format(space)))],
            "description": "png is one picture, or a zip of several",
        },
        "grid": {"type": "boolean", "default": False, "description": "one picture of all samples"},
    }
    if conditions:
        fields["class"] = {
            "description": "by name or number; by default the classes take turns",
            "anyOf": [
                {"enum": list(space.classes)},
                {"type": "integer", "minimum": 0, "maximum": conditions - 1},
            ],
        }
    schema = {"type": "object", "additionalProperties": False, "properties": fields}
    given = {media: {} for media in ("image/png", "application/zip", "application/x-npy", "application/json")}
    given |= {space.codec.media: {}} if space.codec.audible else {}
    return {
        "summary": "make samples",
        "security": [{"token": []}],
        "requestBody": {"content": {"application/json": {"schema": schema, "example": {"seed": 1}}}},
        "responses": {"200": {"description": "samples", "content": given}, **_errors()},
    }


def _translate(made: Translator, limits: Limits) -> dict[str, Any]:
    picture = {"type": "string", "contentEncoding": "base64", "description": "a PNG or JPEG of any size"}
    fields: dict[str, Any] = {
        "picture": picture,
        "back": {"type": "boolean", "default": False, "description": "the other way, where one was trained"},
    }
    needed = ["picture"]
    if made.asks is not None:
        needed.append(CONDITION_FIELDS[made.asks.kind])
        fields[needed[-1]] = {"type": "string", "description": made.asks.describe()}
    schema = {"type": "object", "additionalProperties": False, "required": needed, "properties": fields}
    raw = {} if made.asks is not None else {"image/png": {}, "image/jpeg": {}}
    words = f"a picture translated; results of at most {most_numbers(limits):,} numbers"
    return {
        "summary": words,
        "security": [{"token": []}],
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema}, **raw}},
        "responses": {"200": {"description": "the result", "content": {"image/png": {}}}, **_errors()},
    }


def _able(ability: str, space: Space) -> dict[str, Any]:
    words = {
        "feedback": "the discriminator's opinion of a picture, and what would make it more real",
        "invert": "the latent of a picture",
    }[ability]
    picture = {"type": "string", "contentEncoding": "base64", "contentMediaType": "image/png"}
    example = {"picture": picture} if space.codec.media == PNG else {"numbers": {"type": "array"}}
    schema = {"type": "object", "properties": {**example, "class": {}}}
    return {
        "summary": words,
        "security": [{"token": []}],
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
        "responses": {"200": {"description": words, "content": {"application/json": {}}}, **_errors()},
    }


def _whole(least: int, most: int, default: int, words: str) -> dict[str, Any]:
    return {"type": "integer", "minimum": least, "maximum": most, "default": default, "description": words}


def _errors() -> dict[str, Any]:
    texts = {
        "401": "no token, or a wrong one",
        "403": "a foreign Host or Origin",
        "408": "the body did not come in time",
        "413": "the body is too large",
        "415": "the body is not said to be JSON",
        "422": "a field cannot be given; the error names it",
        "503": "too much is waiting; Retry-After says when to come again",
    }
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    return {status: {"description": words, "content": content} for status, words in texts.items()}
