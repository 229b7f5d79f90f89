"""lpips equals the lpips package exactly on the same weights."""

from __future__ import annotations

import warnings
from pathlib import Path

import lpips as package
import pytest
import torch
from gath_metrics import imagenet_trunks as trunks
from gath_metrics.lpips import HEADS, LPIPS, perceptual_distance, published_heads
from metrics.helpers import TableEvaluations, make_batch, shapes
from safetensors.torch import save_file
from torchmetrics.functional.image.lpips import _LPIPS

from gath_bench.contracts import NO_WEIGHTS, Features, PerceptualTrunk
from gath_bench.errors import Unavailable

ARCHITECTURES = {"alex": trunks.ALEX, "squeeze": trunks.SQUEEZE, "vgg": trunks.VGG}
TRUNKS = {"alex": trunks.AlexTrunk, "squeeze": trunks.SqueezeTrunk, "vgg": trunks.VGGTrunk}


def reference(trunk, *, heads=True):
    """The package's network with its heads and a fixed random trunk, and its weights in checkpoint format."""
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torchvision, about an argument that the package still uses
        net = package.LPIPS(net=trunk, lpips=heads, pnet_rand=True, verbose=False)
    # It keeps each module under its index in a slice.
    state = {f"features.{name.split('.', 1)[1]}": value for name, value in net.net.state_dict().items()}
    return net, state


@pytest.fixture(scope="module", params=["alex", "squeeze", pytest.param("vgg", marks=pytest.mark.slow)])
def pair(request):
    """Name of a trunk, the package's network and our layers with the same weights."""
    net, state = reference(request.param)
    return request.param, net, trunks.build_layers(ARCHITECTURES[request.param], state)


def distance(name, layers, a, b, heads):
    ends = ARCHITECTURES[name].ends
    return perceptual_distance(
        trunks.feature_maps(layers, ends, a), trunks.feature_maps(layers, ends, b), heads
    )


@pytest.mark.parametrize("side", [64, 97])
@torch.no_grad()
def test_equals_the_lpips_package_exactly(pair, side):
    name, net, layers = pair
    a, b = shapes(3, side, 0), shapes(3, side, 1)
    ours = distance(name, layers, a, b, published_heads(name))
    assert torch.equal(ours, net(a, b, normalize=True).flatten())


@torch.no_grad()
def test_equals_torchmetrics_on_the_same_weights(pair):
    name, net, layers = pair
    theirs = _LPIPS(net=name, pnet_rand=True)  # its own copy of the heads, and no download
    trunk = zip(theirs.net.state_dict(), net.net.state_dict().values(), strict=True)
    theirs.net.load_state_dict(dict(trunk))
    a, b = shapes(3, 64, 0), shapes(3, 64, 1)
    ours = distance(name, layers, a, b, published_heads(name))
    assert ours.min() > 0.01
    torch.testing.assert_close(ours, theirs(a, b, normalize=True).flatten(), rtol=0, atol=1e-5)


@torch.no_grad()
def test_without_heads_it_equals_the_package_without_heads(pair):
    name, net, layers = pair
    a, b = shapes(2, 64, 0), shapes(2, 64, 1)
    net.lpips = False
    try:
        expected = net(a, b, normalize=True).flatten()
    finally:
        net.lpips = True
    assert torch.equal(distance(name, layers, a, b, None), expected)


@pytest.mark.parametrize("name", HEADS)
def test_the_heads_are_those_of_version_0_1(name):
    heads = published_heads(name)
    assert len(heads) == len(ARCHITECTURES[name].ends)
    assert all((head >= 0).all() for head in heads)


def test_values_do_not_depend_on_the_batch(pair):
    name, _, layers = pair
    a, b = shapes(4, 64, 0), shapes(4, 64, 1)
    whole = distance(name, layers, a, b, published_heads(name))
    alone = torch.cat([distance(name, layers, a[[i]], b[[i]], published_heads(name)) for i in (2, 0)])
    torch.testing.assert_close(alone, whole[[2, 0]], rtol=1e-5, atol=1e-8)


def test_distance_grows_with_degradation(pair, degrade):
    name, _, layers = pair
    images = shapes(2, 64, 0)
    levels = torch.stack(
        [
            distance(name, layers, images, damaged, published_heads(name))
            for damaged in (images, *(degrade(images, level) for level in (0.7, 1.2, 2.0, 3.0)))
        ]
    )
    assert (levels[0] == 0).all()
    assert (levels.diff(dim=0) > 0).all(), levels


def install(monkeypatch, tmp_path, name, state=None):
    """A checkpoint folder for torch, with the weights of a trunk if they are given, and no other folder."""
    monkeypatch.delenv("GATH_BENCH_WEIGHTS", raising=False)
    for variable in ("TORCH_HOME", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.setenv(variable, str(tmp_path))
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    if state is not None:
        torch.save(state, folder / ARCHITECTURES[name].file)
    return folder / ARCHITECTURES[name].file


def test_a_trunk_loads_the_weights_of_torchvision(monkeypatch, tmp_path):
    net, state = reference("squeeze")
    install(monkeypatch, tmp_path, "squeeze", state)
    trunk = trunks.SqueezeTrunk()
    assert isinstance(trunk, PerceptualTrunk)
    batch = make_batch(side=64)
    sides = {"generated": batch.source, "target": batch.target}
    answers = {("perceptual_trunk", side): trunk.to("cpu")(images) for side, images in sides.items()}
    (measured,) = LPIPS(trunk="squeeze").measure(batch.source, batch, TableEvaluations(answers))
    with torch.no_grad():
        assert torch.equal(measured.values, net(batch.source, batch.target, normalize=True).flatten())


def test_a_trunk_loads_its_convolutional_part_as_safetensors(monkeypatch, tmp_path):
    net, state = reference("alex")
    install(monkeypatch, tmp_path, "alex")
    save_file(state, tmp_path / "alexnet-features.safetensors")
    explicit = trunks.AlexTrunk(weights=tmp_path / "alexnet-features.safetensors")
    monkeypatch.setenv("GATH_BENCH_WEIGHTS", str(tmp_path))
    found = trunks.AlexTrunk()
    assert explicit.info == found.info != trunks.AlexTrunk(weights=_saved(state, tmp_path / "a.pth")).info
    images = shapes(2, 64, 0)
    for ours, theirs in zip(explicit(images).values, found(images).values, strict=True):
        assert torch.equal(ours, theirs)
    assert torch.equal(found(images).values[0], net.net.slice1(trunks.scale_colours(images)))


def _saved(state, path):
    torch.save(state, path)
    return path


def test_a_checkpoint_that_would_run_code_is_refused(monkeypatch, tmp_path):
    """Only tensors are read: a pickled object is a damaged file."""
    path = tmp_path / "alexnet-owt-7be5be79.pth"
    torch.save({"features.0.weight": Path("/")}, path)
    with pytest.raises(Unavailable, match=r"is damaged \(UnpicklingError\)"):
        trunks.AlexTrunk(weights=path)(shapes(1, 64, 0))


@torch.no_grad()
def test_equals_the_package_on_100_pairs_with_the_published_weights():
    """The weights of torchvision, in the package's network and in ours."""
    trunk = trunks.AlexTrunk()
    if trunk.path is None:
        pytest.skip("AlexNet's weights are not installed: gath-bench weights get alexnet")
    net, _ = reference("alex")
    state = trunks._read_state(trunk.path)
    names = net.net.state_dict()
    net.net.load_state_dict({name: state[f"features.{name.split('.', 1)[1]}"] for name in names})
    for start in range(0, 100, 25):
        a, b = shapes(25, 64, start), shapes(25, 64, 1000 + start)
        ours = perceptual_distance(trunk(a).values, trunk(b).values, published_heads("alex"))
        theirs = net(a, b, normalize=True).flatten()
        assert ours.min() > 0.01
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-6)


def test_the_fingerprint_of_a_trunk_depends_on_its_weights(monkeypatch, tmp_path):
    _, state = reference("squeeze")
    path = install(monkeypatch, tmp_path, "squeeze", state)
    before = trunks.SqueezeTrunk().info.fingerprint
    assert trunks.SqueezeTrunk().info.fingerprint == before
    torch.save({name: value + 1 for name, value in state.items()}, path)
    assert trunks.SqueezeTrunk().info.fingerprint != before


@pytest.mark.parametrize("name", TRUNKS)
def test_missing_weights_are_reported_with_file_and_command(monkeypatch, tmp_path, name):
    path = install(monkeypatch, tmp_path, name)
    with pytest.raises(Unavailable) as caught:
        TRUNKS[name]()(shapes(1, 64, 0))
    assert path.name in str(caught.value)
    assert "python -c" in str(caught.value)
    assert str(tmp_path) not in str(caught.value)  # reasons stand in results, which name no folder
    assert TRUNKS[name]().info.domains == {"photo", "synthetic", "mesh"}
    assert TRUNKS[name]().info.fingerprint == NO_WEIGHTS  # nothing in a key that looks like a hash of weights


def test_the_command_downloads_the_named_file():
    from torchvision import models

    for architecture in ARCHITECTURES.values():
        weights = models.get_model_weights(architecture.builder).IMAGENET1K_V1
        assert weights.url.rpartition("/")[2] == architecture.file


def test_damaged_weights_are_na(monkeypatch, tmp_path):
    install(monkeypatch, tmp_path, "alex").write_bytes(b"not a checkpoint")
    with pytest.raises(Unavailable, match=r"alexnet-owt-7be5be79\.pth is damaged"):
        trunks.AlexTrunk()(shapes(1, 64, 0))


def test_other_trunks_have_weights_of_one():
    batch = make_batch()
    maps = {
        side: (shapes(4, 8, seed), shapes(4, 4, seed)) for seed, side in enumerate(("generated", "target"))
    }
    answers = {("perceptual_trunk", side): Features(value) for side, value in maps.items()}
    (measured,) = LPIPS().measure(batch.source, batch, TableEvaluations(answers))
    assert torch.equal(measured.values, perceptual_distance(maps["generated"], maps["target"]))


def test_missing_features_are_na():
    batch = make_batch()
    answers = {
        ("perceptual_trunk", "generated"): Features((shapes(4, 8, 0),), {1: "no face"}),
        ("perceptual_trunk", "target"): Features((shapes(4, 8, 1),), {1: "dark", 2: "dark"}),
    }
    (measured,) = LPIPS().measure(batch.source, batch, TableEvaluations(answers))
    assert dict(measured.missing) == {1: "no face", 2: "dark"}
