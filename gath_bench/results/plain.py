"""Dataclasses from the JSON that they were written to."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


def from_json(kind: type[T], content: Any) -> T:
    """A dataclass from the object that ``dataclasses.asdict`` and JSON made of it.

    Nothing is converted but a list to a tuple and a whole number to a float.

    Args:
        kind: a dataclass of numbers, texts, lists, tuples, dictionaries and dataclasses.
        content: the parsed JSON.

    Raises:
        TypeError: the content is not of this kind.

    >>> from gath_bench.contracts.metric import Summary
    >>> from_json(Summary, {"name": "psnr", "direction": "higher", "inputs": ["psnr"]}).inputs
    ('psnr',)
    """
    made: T = _value(kind, content)
    return made


def _value(kind: Any, content: Any) -> Any:
    if kind is Any or (kind in (str, int, bool, NoneType) and type(content) is kind):
        return content
    if kind is float and (type(content) is float or (type(content) is int and abs(content) < 2**53)):
        return float(content)
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Literal and type(content) is str and content in parts:
        return content
    if origin is list and type(content) is list:
        return [_value(parts[0], item) for item in content]
    if origin is tuple and parts[1:] == (...,) and type(content) is list:
        return tuple(_value(parts[0], item) for item in content)
    if origin is dict and type(content) is dict:
        return {_value(parts[0], key): _value(parts[1], item) for key, item in content.items()}
    if origin in (Union, UnionType):
        for part in parts:
            try:
                return _value(part, content)
            except TypeError:
                continue
    if is_dataclass(kind) and isinstance(kind, type) and type(content) is dict:
        known = _kinds(kind)
        # A missing or unknown key is a TypeError of the constructor.
        return kind(**{name: _value(known.get(name, Any), item) for name, item in content.items()})
    raise TypeError(f"{content!r:.80} is not {kind}")


@cache
def _kinds(kind: type) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}
