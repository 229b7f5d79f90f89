"""Checks of data sets."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from gath_bench.au import get_space
from gath_bench.contracts.batch import Batch, Sample
from gath_bench.contracts.dataset import (
    ClipStream,
    DatasetAdapter,
    DatasetInfo,
    FramesStream,
    HasImages,
    StillsStream,
)
from gath_bench.engine.outputs import checked_batch
from gath_bench.errors import UsageError
from gath_bench.registry import Component
from gath_bench.suite.checks import check_info, check_samples
from gath_bench.testing.evaluators import check_fingerprint
from gath_bench.testing.findings import DECLARATION, Check, Violation, require
from gath_bench.testing.samples import Bench, milliseconds

#: Training streams by name.
STREAMS: dict[str, type[Any]] = {"stills": StillsStream, "frames": FramesStream, "clips": ClipStream}
PROTOCOLS = ("same-subject", "cross-subject", "sweep")
#: The number of samples that are loaded of each split and protocol.
_FEW = 4


class DatasetChecks:
    """The checks of one data set."""

    def __init__(self, dataset: Component, bench: Bench) -> None:
        self.component, self.bench = dataset, bench
        self.dataset: Any = dataset.instance

    def __iter__(self) -> Iterator[Check]:
        yield Check(DECLARATION, self.declaration)
        yield Check("sample lists", self.sample_lists)
        yield Check("shapes and ranges", self.shapes)
        yield Check("determinism", self.determinism)
        yield Check("batch invariance", self.batch_invariance)
        yield Check("splits", lambda: check_splits(self.dataset))
        yield Check("NA behaviour", lambda: check_refusals(self.dataset))
        for stream, contract in STREAMS.items():
            if isinstance(self.dataset, contract):
                yield Check(f"stream {stream}", lambda stream=stream: self._stream(stream))  # type: ignore[misc]
        yield Check("speed", self.speed)

    def declaration(self) -> None:
        """``info`` and ``fingerprint`` have the documented types and values."""
        require(
            isinstance(self.dataset, DatasetAdapter), "a data set has info, fingerprint, samples() and load()"
        )
        check_info(str(self.component.name), "dataset", self.component)
        check_dataset_info(self.component.info)
        check_fingerprint(self.dataset.fingerprint)

    def sample_lists(self) -> str:
        """Every split and protocol has samples, in a fixed order, with names of their own."""
        counts = [f"{len(check_sample_list(self.dataset, *pair))} {'/'.join(pair)}" for pair in self._pairs()]
        return ", ".join(counts)

    def shapes(self) -> None:
        """Batches as documented."""
        for split, protocol in self._pairs():
            check_batch(self.dataset, self._few(split, protocol), protocol)

    def determinism(self) -> None:
        """Loading depends on the samples alone, and does not use torch's global generator."""
        for split, protocol in self._pairs():
            check_loads_alike(self.dataset, self._few(split, protocol))

    def batch_invariance(self) -> None:
        """A sample is the same in any batch."""
        for split, protocol in self._pairs():
            check_any_batch(self.dataset, self._few(split, protocol))

    def speed(self) -> str:
        """The time of loading."""
        few = self._few(*self._pairs()[0])
        return milliseconds(lambda: self.dataset.load(few), len(few), "cpu")

    def _stream(self, name: str) -> str | None:
        try:
            check_stream(self.dataset, name)
        except UsageError as reason:  # a data set without these labels says so
            return f"refused: {reason}"
        return None

    def _pairs(self) -> list[tuple[str, str]]:
        info: DatasetInfo = self.component.info
        return list(itertools.product(info.splits, info.protocols))

    def _few(self, split: str, protocol: str) -> list[Sample]:
        return few_samples(self.dataset.samples(split, protocol, 0))


def check_dataset(dataset: Any) -> None:
    """Check everything about a data set that does not need a `Component`; the streams are checked by `check_stream`.

    Raises:
        Violation: it breaks its contract.
        Exception: what the data set raised.
    """
    require(isinstance(dataset, DatasetAdapter), "a data set has info, fingerprint, samples() and load()")
    check_dataset_info(dataset.info)
    check_fingerprint(dataset.fingerprint)
    check_refusals(dataset)
    for split, protocol in itertools.product(dataset.info.splits, dataset.info.protocols):
        few = few_samples(check_sample_list(dataset, split, protocol))
        check_batch(dataset, few, protocol)
        check_loads_alike(dataset, few)
        check_any_batch(dataset, few)
    check_splits(dataset)


def check_dataset_info(info: DatasetInfo) -> None:
    """Splits, protocols and the AU space exist."""
    require(info.splits, "info.splits is empty: name at least the split 'test'")
    require(info.protocols, "info.protocols is empty: name at least one of " + ", ".join(PROTOCOLS))
    unknown = sorted(set(info.protocols) - set(PROTOCOLS))
    require(not unknown, f"info.protocols has {', '.join(unknown)}: known are {', '.join(PROTOCOLS)}")
    require(info.licence.strip(), "info.licence is empty: name the licence in one line")
    get_space(info.au_space)


def check_sample_list(dataset: Any, split: str, protocol: str) -> Sequence[Sample]:
    """Samples in a fixed order, with unique names that are file names on any system; gives them."""
    place = f"split {split!r} under {protocol!r}"
    listed: Sequence[Sample] = dataset.samples(split, protocol, 0)
    require(listed, f"there are no samples in {place}")
    check_samples("the data set", listed)
    names = [sample.sample_id for sample in listed]
    again = [sample.sample_id for sample in dataset.samples(split, protocol, 0)]
    require(again == names, f"two calls of samples() list other samples of {place}, or in another order")
    # Names are file names, and some file systems ignore case.
    require(
        len({name.lower() for name in names}) == len(names), f"two sample ids of {place} differ in case only"
    )
    require(all(sample.subject for sample in listed), f"a sample of {place} has no subject")
    return listed


def few_samples(listed: Sequence[Sample]) -> list[Sample]:
    """At most four samples from all over the list."""
    return list(listed[:: max(1, len(listed) // _FEW)])[:_FEW]


def check_batch(dataset: Any, few: Sequence[Sample], protocol: str) -> Batch:
    """Shapes, types and ranges of the contract; 8-bit images; the fields that go with a protocol."""
    import torch

    info: DatasetInfo = dataset.info
    batch = checked_batch(dataset.load(few), few, info)
    for name in ("source", "target"):
        images = getattr(batch, name)
        if images is not None:
            require(images.dtype == torch.float32, f"{name} must be float32, not {images.dtype}")
    if len(batch):
        has_target = batch.target is not None
        wanted = info.has_target and protocol == "same-subject"
        require(
            has_target or not wanted,
            f"info.has_target is true, but a batch under {protocol!r} has no target images",
        )
        require(
            (batch.swept_au is not None) == (protocol == "sweep"),
            f"swept_au is {'missing' if protocol == 'sweep' else 'given'} under {protocol!r}",
        )
    return batch


def check_loads_alike(dataset: Any, few: Sequence[Sample]) -> None:
    """Two loads are equal, and torch's global random generator is untouched: loading runs in a thread of its own."""
    import torch

    one = dataset.load(few)
    state = torch.get_rng_state()
    two = dataset.load(few)
    require(
        torch.equal(state, torch.get_rng_state()),
        "load() draws from torch's global random generator: use a generator of its own, seeded by the sample",
    )
    for position in range(len(one)):
        _same_sample(one, position, two, position, "between two calls of load()")


def check_any_batch(dataset: Any, few: Sequence[Sample]) -> None:
    """A sample is the same alone, in another order and in a larger batch."""
    whole = dataset.load(few)
    require(
        len(whole) + len(whole.unreadable) == len(few),
        f"load() must return every sample or list it as unreadable: got {len(whole)} and {len(whole.unreadable)} "
        f"for {len(few)} samples",
    )
    parts = [dataset.load([sample]) for sample in reversed(few)] + [dataset.load(list(reversed(few)))]
    for part in parts:
        for position, name in enumerate(part.sample_id):
            _same_sample(part, position, whole, whole.sample_id.index(name), "between two batches")


def _same_sample(one: Batch, here: int, two: Batch, there: int, when: str) -> None:
    for field in ("source", "target_aus", "target", "source_aus", "face_mask"):
        a, b = getattr(one, field), getattr(two, field)
        same = (a is None) == (b is None) and (a is None or _equal(a[here], b[there]))
        require(same, f"{field} of sample {one.sample_id[here]} differs {when}")


def check_splits(dataset: Any) -> None:
    """No subject is in two splits, under any protocol."""
    people = {
        split: {s.subject for protocol in dataset.info.protocols for s in dataset.samples(split, protocol, 0)}
        for split in dataset.info.splits
    }
    for one, two in itertools.combinations(people, 2):
        both = sorted(people[one] & people[two])
        require(not both, f"the splits {one!r} and {two!r} share the subject {both[0] if both else ''}")


def check_refusals(dataset: Any) -> None:
    """An unknown split or protocol is refused by one sentence."""
    info: DatasetInfo = dataset.info
    for split, protocol in (("no-such-split", info.protocols[0]), (info.splits[0], "no-such-protocol")):
        try:
            dataset.samples(split, protocol, 0)
        except UsageError as error:
            check_sentence(error)
        else:
            raise Violation(
                f"samples() accepts {split!r} and {protocol!r}: raise UsageError for an unknown name"
            )
    if isinstance(dataset, HasImages):
        require(dataset.image_samples(), "image_samples() is empty")


def check_sentence(error: Exception) -> None:
    """One line that ends with a full stop."""
    text = str(error)
    require(
        "\n" not in text and text.endswith("."), f"the message {text!r:.200} is not one sentence on one line"
    )


def check_stream(dataset: Any, stream: str, again: Callable[[], Any] | None = None) -> tuple[Any, Any]:
    """A stream is a function of the seed, resumes at any step, and has values in [0, 1].

    Args:
        dataset: the data set.
        stream: ``"stills"``, ``"frames"`` or ``"clips"``.
        again: makes the data set once more, for the resumed stream; None takes the same object.

    Returns:
        The first two batches.

    Raises:
        Violation: it breaks its contract.
        UsageError: the data set has no labels for this stream.
    """
    import torch

    batches = getattr(dataset, stream)(batch_size=3, seed=5)
    first, second = next(batches), next(batches)
    resumed = getattr(again() if again else dataset, stream)(batch_size=3, seed=5, start=1)
    repeated = next(resumed)
    resumed.close()
    batches.close()
    tensors = {name: value for name, value in vars(second).items() if isinstance(value, torch.Tensor)}
    for name, value in vars(second).items():
        if name not in tensors:
            require(
                value == dataset.info.au_space,
                f"{name} of the stream is {value!r}, not the data set's AU space",
            )
            continue
        require(_equal(value, getattr(repeated, name)), f"{name} of a stream that starts at step 1 differs")
        wanted = torch.int64 if name == "identity" else torch.float32
        require(value.dtype == wanted, f"{name} of the stream must be {wanted}, not {value.dtype}")
        known = value[~value.isnan()]
        require(
            not value.is_floating_point() or not len(known) or (known.min() >= 0 and known.max() <= 1),
            f"{name} of the stream must be in [0, 1]",
        )
    require(
        not all(torch.equal(value, getattr(first, name)) for name, value in tensors.items()),
        "two batches of the stream are equal",
    )
    if stream == "stills":
        require(second.identity.max() < dataset.identities(), "an identity label is not below identities()")
    return first, second


def _equal(one: Any, two: Any) -> bool:
    """Equal tensors, where NaN equals NaN."""
    import torch

    return torch.equal(one.isnan(), two.isnan()) and torch.equal(one.nan_to_num(), two.nan_to_num())
