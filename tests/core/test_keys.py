"""Component names and keys: parsing is the inverse of printing, and differences are named."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gath_bench import UsageError
from gath_bench.contracts import ComponentKey, ComponentName, file_hash, fingerprint
from gath_bench.contracts.keys import HASH_DIGITS, NO_WEIGHTS
from gath_bench.contracts.specs import is_name

names = st.from_regex(r"[a-z0-9][a-z0-9-]{0,12}", fullmatch=True)
#: Text in general, and text made of what means something in a name.
values = st.text(max_size=12) | st.text("a1 ,=[]@#\"'\\\n\t/.", max_size=8)
params = st.dictionaries(st.from_regex(r"[a-z_][a-z0-9_]{0,6}", fullmatch=True), values, max_size=3)
hashes = st.text("0123456789abcdef", max_size=64) | st.just(NO_WEIGHTS)
keys = st.builds(ComponentKey, names, params, st.integers(0, 10**6), hashes)


@given(st.builds(ComponentName, names, params))
def test_a_name_is_read_back_as_it_was_written(name: ComponentName) -> None:
    assert ComponentName.parse(str(name)) == name


@given(keys)
def test_a_key_is_read_back_as_it_was_written(key: ComponentKey) -> None:
    again = ComponentKey.parse(str(key))
    assert (again.name, dict(again.params), again.version) == (key.name, dict(key.params), key.version)
    assert again.hash == (key.hash if key.hash == NO_WEIGHTS else key.hash[:HASH_DIGITS])
    assert str(again) == str(key)
    assert key.difference(again) is None


@given(keys, keys)
def test_keys_differ_exactly_when_their_text_does(a: ComponentKey, b: ComponentKey) -> None:
    assert (a.difference(b) is None) == (str(a) == str(b))
    assert (a.difference(b) is None) == (b.difference(a) is None)


def test_the_order_of_parameters_does_not_matter() -> None:
    a, b = ComponentKey("m", {"x": "1", "y": "2"}), ComponentKey("m", {"y": "2", "x": "1"})
    assert str(a) == str(b) == "m[x=1,y=2]@1"


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ("lpips[trunk=alex]@1#ab12cd34", None),
        ("ssim[trunk=alex]@1#ab12cd34", "name: lpips versus ssim"),
        ("lpips[trunk=vgg]@1#ab12cd34", "trunk: alex versus vgg"),
        ("lpips[size=64,trunk=alex]@1#ab12cd34", "size: (none) versus 64"),
        ("lpips@1#ab12cd34", "trunk: alex versus (none)"),
        ("lpips[trunk=alex]@2#ab12cd34", "version: 1 versus 2"),
        ("lpips[trunk=alex]@1#ff12cd34", "weights or content: #ab12cd34 versus #ff12cd34"),
        ("lpips[trunk=alex]@1", "weights or content: #ab12cd34 versus #"),
        ("lpips[trunk=alex]@1#no-weights", "weights or content: #ab12cd34 versus #no-weights"),
    ],
)
def test_difference_names_the_part_that_differs(other: str, words: str | None) -> None:
    assert ComponentKey.parse("lpips[trunk=alex]@1#ab12cd34").difference(ComponentKey.parse(other)) == words


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("ssim", {}),
        ("  ssim ", {}),
        ("ssim[]", {}),
        ("ssim[size=7]", {"size": "7"}),
        ("ssim[ size = 7 , k=1 ]", {"size": "7", "k": "1"}),
        ('ssim[root="a,b]"]', {"root": "a,b]"}),
        ('ssim[root="say \\"hi\\""]', {"root": 'say "hi"'}),
        ("ssim[root=/a b/c.d]", {"root": "/a b/c.d"}),
        ("ssim[aus=AU12=3]", {"aus": "AU12=3"}),
        ("ssim[root=]", {"root": ""}),
    ],
)
def test_names_with_parameters_are_parsed(text: str, read: dict[str, str]) -> None:
    assert ComponentName.parse(text) == ComponentName("ssim", read)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "SSIM",
        "s s",
        "ssim[",
        "ssim]",
        "ssim[7]",
        "ssim[=7]",
        "ssim[a=1,a=2]",
        'ssim[a="1]',
        "ssim@1",
        "-m",
    ],
)
def test_an_invalid_name_is_refused_with_the_expected_form(text: str) -> None:
    with pytest.raises(UsageError, match=r"write name|write param|keep one"):
        ComponentName.parse(text)


@pytest.mark.parametrize(
    "text", ["ssim", "ssim@", "ssim@x", "ssim@1#", "ssim@1#XY", "ssim[a=1]", "SSIM@1", "ssim@1\n"]
)
def test_an_invalid_key_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        ComponentKey.parse(text)


@pytest.mark.parametrize("text", ["", "A", "a b", "-a", "a\n", "a[b=1]", None, 7])
def test_invalid_names(text: object) -> None:
    assert not is_name(text)


@given(st.lists(st.binary(max_size=6), max_size=4), st.lists(st.binary(max_size=6), max_size=4))
def test_fingerprints_are_equal_only_for_equal_lists(a: list[bytes], b: list[bytes]) -> None:
    assert (fingerprint(*a) == fingerprint(*b)) == (a == b)


def test_file_hash_is_plain_sha256(tmp_path: Path) -> None:
    path = tmp_path / "weights"
    path.write_bytes(b"abc")
    assert file_hash(path) == hashlib.sha256(b"abc").hexdigest()
