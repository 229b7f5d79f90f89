"""Reads a pickle of ``{str: array}`` without executing anything from it.

No name of the pickle is imported: the few names that numpy's own arrays need stand for the classes below, which only
keep what they are given and check it; any other name is refused.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gath_bench.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: Element types that are read, as numpy writes them.
_DTYPES = {"f8", "f4", "f2", "i8", "i4", "i2", "i1", "u8", "u4", "u2", "u1"}


class _Refused(Exception):
    """The pickle has something else than dictionaries, texts and arrays of numbers."""


class _DType:
    """``numpy.dtype(code, align, copy)``, then its byte order."""

    def __init__(self, code: str, *_: object) -> None:
        text = code.decode("latin1") if isinstance(code, bytes) else code
        if text not in _DTYPES:
            raise _Refused(f"an array of {text!r}")
        self.text = text

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        order = state[1].decode("latin1") if isinstance(state[1], bytes) else state[1]
        if order not in ("<", ">", "|", "="):
            raise _Refused("an unknown byte order")
        self.text = ("<" if order == "=" else order) + self.text.lstrip("<>|=")


class _Array:
    """``numpy.ndarray``: its state is (version, shape, dtype, Fortran order, bytes)."""

    value: NDArray[np.float64]

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, dtype, fortran, data = state
        self.fill(data, dtype, shape, "F" if fortran else "C")

    def fill(self, data: str | bytes | bytearray, dtype: object, shape: object, order: object) -> None:
        import numpy as np

        if not isinstance(dtype, _DType) or not isinstance(shape, tuple) or order not in ("C", "F"):
            raise _Refused("a damaged array")
        raw = data.encode("latin1") if isinstance(data, str) else data
        flat = np.frombuffer(raw, dtype=dtype.text).astype(np.float64)
        self.value = flat.reshape(shape, order="F" if order == "F" else "C")


class _NDArrayType:
    """The class ``numpy.ndarray`` as an argument."""


def _reconstruct(*_: object) -> _Array:
    return _Array()


def _from_buffer(data: bytes, dtype: object, shape: object, order: object, *_: object) -> _Array:
    array = _Array()
    array.fill(data, dtype, shape, order)
    return array


def _encode(text: str, encoding: str = "latin1") -> bytes:
    if encoding not in ("latin1", "latin-1"):
        raise _Refused(f"bytes in {encoding}")
    return text.encode("latin1")


_NAMES = {
    ("numpy", "ndarray"): _NDArrayType,
    ("numpy", "dtype"): _DType,
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy.core.numeric", "_frombuffer"): _from_buffer,
    ("numpy._core.numeric", "_frombuffer"): _from_buffer,
    ("_codecs", "encode"): _encode,
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _NAMES:
            raise _Refused(f"{module}.{name}")
        return _NAMES[module, name]


def read_arrays(path: Path) -> dict[str, NDArray[np.float64]]:
    """The arrays of a pickled dictionary, by key. Pickles of Python 2 and 3 are read.

    Raises:
        UsageError: the file cannot be read, or holds anything else.
    """
    try:
        with path.open("rb") as file:
            content = _Unpickler(file, encoding="latin1").load()
    except _Refused as refused:
        raise UsageError(
            f"{path} holds {refused}, which is not read: only a dictionary of numpy arrays of numbers is."
        ) from None
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}; check the path.") from error
    except Exception as error:  # a damaged pickle raises any exception
        raise UsageError(f"{path} is not a pickled dictionary of numpy arrays: write it again.") from error
    if not isinstance(content, dict):
        raise UsageError(f"{path} holds no dictionary: it must be {{image name: array of 17 AUs}}.")
    arrays = {}
    for key, item in content.items():
        if not isinstance(key, str) or not isinstance(item, _Array) or not hasattr(item, "value"):
            raise UsageError(f"{path}, key {key!r}: not a name with an array: write the file again.")
        arrays[key] = item.value
    return arrays
