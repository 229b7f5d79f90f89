"""Component names, which users write, and component keys, which identify values in tables.

A name is ``name[param=value,...]``; a key is ``name[param=value,...]@version#hash``. Values share a table
column only if their keys are equal.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gath_bench.contracts.specs import is_name
from gath_bench.errors import UsageError

# Possessive quantifiers (`++`, `*+`), so that no text takes quadratic time.
_HEAD = re.compile(r"^(?P<name>[^\[\]@#]++)(?:\[(?P<params>.*)\])?$", re.DOTALL)
_KEY = re.compile(
    r"^(?P<head>[^\[\]@#]+(?:\[.*\])?)@(?P<version>\d{1,9})(?:#(?P<hash>[0-9a-f]+|no-weights))?$", re.DOTALL
)
_PARAM = re.compile(
    r"\s*+(?P<key>[a-z0-9_]++)\s*+=\s*+(?:\"(?P<quoted>(?:[^\"\\]|\\.)*+)\"\s*+|(?P<plain>[^,\"]*+))(?:,|$)",
    re.DOTALL,
)
#: The number of hash digits in a key: short enough to read, long enough that collisions are unlikely.
HASH_DIGITS = 8
#: The hash of a component whose weights are missing.
NO_WEIGHTS = "no-weights"


def fingerprint(*parts: bytes | str) -> str:
    """SHA-256 (hex) over parts, each preceded by its length, so that different lists of parts differ.

    >>> fingerprint("ab", "c") == fingerprint("a", "bc")
    False
    """
    import hashlib

    digest = hashlib.sha256()
    for part in parts:
        # File names may hold bytes that are not UTF-8, which Python reads as surrogates.
        data = part.encode("utf-8", "surrogateescape") if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return digest.hexdigest()


def file_hash(path: Path) -> str:
    """SHA-256 (hex) of a file's content.

    Raises:
        OSError: it cannot be read, or it is a pipe or a device, which could block forever.
    """
    import hashlib

    if path.exists() and not (path.is_file() or path.is_dir()):
        raise OSError(errno.EINVAL, "it is not a regular file", str(path))
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True)
class ComponentName:
    """A component name with parameters: ``lpips[trunk=alex]``.

    >>> ComponentName.parse('portraits[root="a,b", size=128]').params["root"]
    'a,b'
    >>> str(ComponentName("lpips", {"trunk": "alex"}))
    'lpips[trunk=alex]'
    """

    name: str
    params: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> ComponentName:
        """Read ``name`` or ``name[param=value,...]``; a value with a comma or bracket is in double quotes.

        Raises:
            UsageError: the text is not of that form.
        """
        match = _HEAD.match(text.strip())
        name = match["name"].strip() if match else ""
        if match is None or not is_name(name):
            raise UsageError(
                f"{text!r} is not a component name: write name or name[param=value,...], "
                "in quotes, since shells expand brackets."
            )
        params: dict[str, str] = {}
        rest = match["params"] or ""
        position = 0
        while position < len(rest):
            part = _PARAM.match(rest, position)
            if part is None:
                raise UsageError(
                    f"{text!r} has a parameter that cannot be read at {rest[position:]!r}: "
                    "write param=value, and put a value with commas in double quotes."
                )
            if part["key"] in params:
                raise UsageError(f"{text!r} gives the parameter {part['key']!r} twice: keep one of them.")
            quoted = part["quoted"]
            params[part["key"]] = (
                re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else part["plain"].strip()
            )
            position = part.end()
        return cls(name, params)

    def __str__(self) -> str:
        if not self.params:
            return self.name
        return f"{self.name}[{','.join(f'{key}={_quote(value)}' for key, value in self.params.items())}]"


@dataclass(frozen=True)
class ComponentKey:
    """The identity of a component's values: ``name[param=value,...]@version#hash``.

    >>> key = ComponentKey.parse("lpips[trunk=alex]@1#ab12cd34")
    >>> key.name, key.version, key.hash
    ('lpips', 1, 'ab12cd34')
    >>> str(key)
    'lpips[trunk=alex]@1#ab12cd34'
    """

    name: str
    params: Mapping[str, str] = field(default_factory=dict)
    version: int = 1
    hash: str = ""

    @classmethod
    def parse(cls, text: str) -> ComponentKey:
        """Read a key; the inverse of ``str``.

        Raises:
            UsageError: the text is not a key.
        """
        match = _KEY.fullmatch(text)
        if match is None:
            raise UsageError(
                f"{text!r} is not a component key: it must read name[param=value,...]@version#hash."
            )
        head = ComponentName.parse(match["head"])
        return cls(head.name, head.params, int(match["version"]), match["hash"] or "")

    def __str__(self) -> str:
        head = ComponentName(self.name, dict(sorted(self.params.items())))
        return f"{head}@{self.version}" + (f"#{self.shown_hash}" if self.hash else "")

    @property
    def shown_hash(self) -> str:
        """The part of the hash that a key shows."""
        return self.hash if self.hash == NO_WEIGHTS else self.hash[:HASH_DIGITS]

    def difference(self, other: ComponentKey) -> str | None:
        """The first part in which two keys differ, in words; None for equal keys.

        >>> a = ComponentKey("lpips", {"trunk": "alex"}, 1, "aa")
        >>> a.difference(ComponentKey("lpips", {"trunk": "vgg"}, 1, "aa"))
        'trunk: alex versus vgg'
        """
        if self.name != other.name:
            return f"name: {self.name} versus {other.name}"
        for name in sorted({*self.params, *other.params}):
            mine, theirs = self.params.get(name, "(none)"), other.params.get(name, "(none)")
            if mine != theirs:
                return f"{name}: {mine} versus {theirs}"
        if self.version != other.version:
            return f"version: {self.version} versus {other.version}"
        if self.shown_hash != other.shown_hash:
            return f"weights or content: #{self.shown_hash} versus #{other.shown_hash}"
        return None


def _quote(value: str) -> str:
    plain = value == value.strip() and not re.search(r"[,\[\]\"\\=@#]", value) and value != ""
    return value if plain else '"' + re.sub(r'(["\\])', r"\\\1", value) + '"'
