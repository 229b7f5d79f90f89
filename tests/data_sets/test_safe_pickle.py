"""GANimation's pickle is read without executing anything from it."""

from __future__ import annotations

import os
import pickle
import pickletools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from data_sets.conformance import assert_sentence
from gath_datasets.still.safe_pickle import read_arrays

from gath_bench.errors import UsageError


class Runs:
    """Runs a command when it is unpickled."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (self.command,)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("dtype", ["<f8", ">f8", "f4", "f2", "i8", "u1"])
def test_arrays_are_read_as_numpy_reads_them(protocol: int, dtype: str, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    arrays = {
        f"é{n}": (random.random((n + 1, 3)) * 5).astype(dtype, order="F" if n % 2 else "C") for n in range(3)
    }
    path = tmp_path / "aus.pkl"
    path.write_bytes(pickle.dumps(arrays, protocol=protocol))
    read = read_arrays(path)
    assert read.keys() == arrays.keys()
    for key, array in arrays.items():
        np.testing.assert_array_equal(read[key], array)


def test_a_pickle_of_python_2_is_read(tmp_path: Path) -> None:
    """Python 2 writes names and array data as byte strings, and numpy's old module names."""
    data = np.array([0.5, 5.0]).tobytes()
    stream = (
        b"\x80\x02}U\x01acnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
        b"(K\x01K\x02\x85cnumpy\ndtype\nU\x02f8K\x00K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
        b"\x89U\x10" + data + b"tbs."
    )
    pickletools.dis(stream, out=(tmp_path / "dis").open("w"))
    (tmp_path / "aus.pkl").write_bytes(stream)
    np.testing.assert_array_equal(read_arrays(tmp_path / "aus.pkl")["a"], [0.5, 5.0])


def test_nothing_is_executed(tmp_path: Path) -> None:
    witness = tmp_path / "executed"
    for content in ({"a": Runs(f"touch {witness}")}, Runs(f"touch {witness}")):
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            (tmp_path / "aus.pkl").write_bytes(pickle.dumps(content, protocol=protocol))
            with pytest.raises(UsageError, match="system, which is not read") as caught:
                read_arrays(tmp_path / "aus.pkl")
            assert_sentence(caught.value)
    assert not witness.exists()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (pickle.dumps([1, 2]), "holds no dictionary"),
        (pickle.dumps({"a": [1.0] * 17}), "not a name with an array"),
        (pickle.dumps({1: np.zeros(17)}), "not a name with an array"),
        (pickle.dumps({"a": np.array([{}], dtype=object)}), "an array of 'O8'"),
        (pickle.dumps({"a": np.array(["x"])}), "an array of 'U1'"),
        (pickle.dumps({"a": np.zeros(17)})[:-30], "is not a pickled dictionary"),
        (pickle.dumps({"a": Path("x")}), "which is not read"),
        (b"", "is not a pickled dictionary"),
        (b"cbuiltins\neval\n(S'1'\ntR.", "builtins.eval, which is not read"),
        (b"c_codecs\nencode\n(S'a'\nS'rot13'\ntR.", "bytes in rot13"),
    ],
)
def test_anything_else_is_refused(content: bytes, sentence: str, tmp_path: Path) -> None:
    (tmp_path / "aus.pkl").write_bytes(content)
    with pytest.raises(UsageError, match=sentence) as caught:
        read_arrays(tmp_path / "aus.pkl")
    assert_sentence(caught.value)
