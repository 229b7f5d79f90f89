"""What the demo does, without a user interface."""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from gath_bench.analysis.summarise import is_contaminated
from gath_bench.animation.api import make_motion, play
from gath_bench.animation.model import DEFAULT_DETECTOR, DEFAULT_ESTIMATOR, DEFAULT_MODEL, PhotoModel
from gath_bench.animation.portrait import Crop, Portrait, to_tensor
from gath_bench.au import DEFAULT_SPACE, apply, find_map
from gath_bench.contracts import EvaluatorInfo
from gath_bench.demo.examples import Example, Photo, built_in_example, procedural_examples
from gath_bench.demo.sliders import SPACE, expression_text, on_sliders
from gath_bench.errors import Unavailable, UsageError, describe_error
from gath_bench.evaluators import EvaluatorPool, FeatureCache
from gath_bench.faces.framing import Framing
from gath_bench.images import resize
from gath_bench.provenance import Provenance, save_still
from gath_bench.registry import Registry
from gath_bench.video import write_animation

if TYPE_CHECKING:
    from PIL import Image
    from torch import Tensor

#: The live picture: lossless formats take longer to write than the model takes to generate.
LIVE_SUFFIX = ".jpg"
#: The longer side in pixels of what the grader gets. It looks at 96 pixels across the face; the detection takes as much
#: longer as the picture is larger.
GRADED_SIDE = 256


@dataclass(frozen=True)
class Picture:
    """The photo with an expression.

    Attributes:
        image: RGB, of the photo's size.
        aus: AU -> coefficient in [0, 1] that was asked for.
        prompt: the same in the notation of ``--aus``.
        path: the file, with provenance.
        seconds: the time that model, paste-back and file took.
    """

    image: Image.Image
    aus: Mapping[str, float]
    prompt: str
    path: Path
    seconds: float


@dataclass
class Session:
    """An opened portrait: detection and alignment are done once, a slider then costs the model and the paste-back.

    Attributes:
        photo: the portrait.
        model: name of the model.
        portrait: the aligned face.
        own: AU -> the portrait's own coefficient as the model reads it, for the sliders; rounded to 0.01.
        folder: where its files are written.
        original: a file with the portrait as it is.
        picture: what is shown at the moment.
    """

    photo: Photo
    model: str
    portrait: Portrait
    own: dict[str, float]
    folder: Path
    original: Path
    picture: Picture | None = None


@dataclass(frozen=True)
class AUReading:
    """What the grader reads of one AU.

    Attributes:
        label: the AU.
        asked: the coefficient that was asked for.
        read: the coefficient that the grader reads; None for NA.
        reason: why it is NA.
    """

    label: str
    asked: float
    read: float | None
    reason: str = ""


@dataclass(frozen=True)
class Graded:
    """The readings of all AUs.

    Attributes:
        readings: one per AU of `SPACE`.
        grader: the component key of the AU estimator.
        contaminated: whether the model was trained against it.
    """

    readings: tuple[AUReading, ...]
    grader: str
    contaminated: bool = False


@dataclass(frozen=True)
class Video:
    """A written animation.

    Attributes:
        path: the file, with provenance.
        frames: number of frames.
        fps: frames per second.
        notes: what was assumed about the time series.
        seconds: the time it took.
    """

    path: Path
    frames: int
    fps: float
    notes: tuple[str, ...]
    seconds: float


@dataclass
class Handlers:
    """The actions of the page. Every one raises `UsageError` with a sentence for the user.

    Args:
        registry: creates the components.
        folder: for files.
        models: names of the models to choose from; those that take a portrait and AUs by default.
        detector: name of the face detector.
        grader: name of the AU estimator that reads the AUs back.
        device: ``"cpu"`` or ``"cuda:i"``.
        size: the longer side in pixels to which larger photos are reduced; None keeps their size.
    """

    registry: Registry
    folder: Path
    models: tuple[str, ...] = ()
    detector: str = DEFAULT_DETECTOR
    grader: str = DEFAULT_ESTIMATOR
    device: str = "cpu"
    size: int | None = None
    _loaded: dict[str, PhotoModel] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if not self.models:
            self.models = self._usable_models()
        self.load(self.models[0])

    def load(self, model: str) -> PhotoModel:
        """A model with the face detector, created on first use.

        Raises:
            UsageError: there is no such model, or a photo cannot feed it.
        """
        if model not in self._loaded:
            self._loaded[model] = PhotoModel.load(
                model, self.registry, detector=self.detector, device=self.device
            )
        return self._loaded[model]

    @cached_property
    def examples(self) -> tuple[Example, ...]:
        """The portraits that need no file: the built-in photo, and procedural ones where they are installed."""
        return (built_in_example(), *procedural_examples(self.registry))

    def open(self, photo: Photo, model: str, *, crop: Crop = "face", all_faces: bool = False) -> Session:
        """Find and align the face of a portrait.

        Args:
            photo: the portrait.
            model: name of the model.
            crop: what the model sees of a photo, see `Portrait.prepare`; framed portraits are taken as they are.
            all_faces: animate every face rather than the largest.

        Raises:
            UsageError: the photo cannot be read, shows no face, or the model cannot be loaded.
        """
        ready = self.load(model)
        with _without_folder(photo.source):
            portrait = Portrait.prepare(
                photo.source,
                ready,
                crop="none" if photo.template else crop,
                all_faces=all_faces,
                size=self.size,
            )
            portrait.name = photo.name
            own = portrait.source_aus()
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        return Session(photo, model, portrait, on_sliders(own, ready), folder, _original(portrait, folder))

    def show(self, session: Session, aus: Mapping[str, float]) -> Picture:
        """The portrait with an expression. It becomes the session's picture, for `grade` and `save`.

        Args:
            session: the opened portrait.
            aus: AU -> coefficient in [0, 1]; an AU that is not named is 0.

        Raises:
            UsageError: the model cannot generate, or its AU space lacks an AU that is above 0.
        """
        begun = time.perf_counter()
        motion = make_motion(session.portrait.model, aus=expression_text(aus))
        image = next(play(session.portrait, motion))
        path = session.folder / f"{_stem(session)}{LIVE_SUFFIX}"
        save_still(path, image, Provenance(session.portrait.model.key, motion.prompt))
        picture = Picture(image, dict(aus), motion.prompt, path, time.perf_counter() - begun)
        session.picture = picture
        return picture

    def grade(self, session: Session) -> Graded:
        """Read the AUs of the session's picture by the grader.

        It gets the rectangle around the face, reduced to `GRADED_SIDE` pixels, and aligns it as in a run. AUs for which
        it is not valid on such images are NA (``EvaluatorInfo.validation``).

        Raises:
            UsageError: there is no picture yet, or the grader does not exist.
        """
        picture = _picture(session)
        info, key = self._grader
        try:
            values, reasons = self._read(session, picture, info)
        except Unavailable as error:
            values, reasons = [None] * len(SPACE), dict.fromkeys(SPACE.labels, describe_error(error))
        readings = tuple(
            AUReading(
                label, picture.aus.get(label, 0.0), value, reasons.get(label, "") if value is None else ""
            )
            for label, value in zip(SPACE.labels, values, strict=True)
        )
        trained_against = session.portrait.model.model.info.trained_against
        return Graded(readings, key, is_contaminated(trained_against, [key]))

    def save(self, session: Session, suffix: str) -> Path:
        """Write the session's picture for download, with its provenance.

        Args:
            session: the opened portrait.
            suffix: ``.png``, ``.jpg`` or ``.webp``.

        Raises:
            UsageError: there is no picture yet, or the ending is unknown.
        """
        picture = _picture(session)
        path = session.folder / f"{_stem(session)}{suffix}"
        save_still(path, picture.image, Provenance(session.portrait.model.key, picture.prompt))
        return path

    def animate(
        self,
        session: Session,
        csv: Path,
        suffix: str,
        *,
        relative: bool = False,
        progress: Callable[[int, int], None] | None = None,
    ) -> Video:
        """Animate the portrait by an AU time series and write it, with its provenance.

        Args:
            session: the opened portrait.
            csv: a file of OpenFace, py-feat, MediaPipe or Live Link Face.
            suffix: ``.mp4``, ``.gif`` or ``.webp``.
            relative: add the changes since the first row to the portrait's own AUs.
            progress: called with the number of frames done and their total.

        Raises:
            UsageError: the file is not an AU time series, or a package for videos is missing.
        """
        begun = time.perf_counter()
        with _without_folder(csv):
            motion = make_motion(session.portrait.model, csv=csv, relative=relative)
        assert motion.fps is not None
        path = session.folder / f"{_stem(session)}-{_safe(csv.stem)}{suffix}"
        frames = _counted(play(session.portrait, motion), len(motion.aus), progress)
        mark = Provenance(session.portrait.model.key, motion.prompt)
        count = write_animation(path, frames, motion.fps, mark)
        return Video(path, count, motion.fps, motion.notes, time.perf_counter() - begun)

    @cached_property
    def _pool(self) -> EvaluatorPool:
        return EvaluatorPool(self.registry.make, self.device)

    @cached_property
    def _grader(self) -> tuple[EvaluatorInfo, str]:
        """The grader's info and component key.

        Raises:
            UsageError: it does not exist.
        """
        try:
            component = self._pool.find("au_estimator", self.grader)
        except Unavailable as error:
            raise UsageError(f"{describe_error(error).rstrip('.')}.") from error
        info: EvaluatorInfo = component.info
        return info, str(component.key(info.fingerprint))

    def _read(
        self, session: Session, picture: Picture, info: EvaluatorInfo
    ) -> tuple[list[float | None], dict[str, str]]:
        """The value of each slider's AU, None for NA; and label -> reason.

        Raises:
            Unavailable: the grader is not valid here, or finds no face.
        """
        import torch

        photo, pool = session.photo, self._pool
        framing = (
            Framing(photo.template, lambda: pool.get("face_detector", self.detector, photo.domain).instance)
            if photo.template
            else pool.framing(None, self.detector, photo.domain)
        )
        images = _around_face(session.portrait, picture.image)[None].to(self.device)
        cache = FeatureCache(pool, {"generated": images}, photo.domain, framing)
        features = cache.features("au_estimator", self.grader, "generated")
        if features.missing:
            raise Unavailable(next(iter(features.missing.values())))
        assert isinstance(features.values, torch.Tensor)
        source = info.au_space or DEFAULT_SPACE
        mapped = apply(find_map(source, SPACE.name), features.values.float().cpu())[0].tolist()
        reasons = {
            label: features.missing_aus.get(label, f"not an AU of {self.grader} ({source})")
            for label in SPACE.labels
        }
        return [None if value != value else min(max(value, 0.0), 1.0) for value in mapped], reasons

    def _usable_models(self) -> tuple[str, ...]:
        """The installed models that take a portrait and AUs, the default first; baselines are left out.

        Raises:
            UsageError: there is none.
        """
        found = []
        for name in sorted(self.registry.entries["model"], key=lambda name: (name != DEFAULT_MODEL, name)):
            try:
                if not self.load(name).model.info.baseline:
                    found.append(name)
            except Exception as error:  # needs parameters, weights, or more than a photo: not in the list
                del error
        if not found:
            raise UsageError(
                "no installed model takes a portrait and AUs: name one by -m, or install a plugin."
            )
        return tuple(found)


def user_message(error: Exception) -> str:
    """An exception as a sentence for the page.

    >>> user_message(UsageError("no face was found in me.jpg."))
    'no face was found in me.jpg.'
    >>> user_message(ValueError("bad shape"))
    'unexpected ValueError: bad shape'
    """
    text = describe_error(error)
    return text if isinstance(error, UsageError | Unavailable) else f"unexpected {text}"


def _original(portrait: Portrait, folder: Path) -> Path:
    """The portrait as it is, for the comparison of before and after. It carries no mark: no model made it."""
    from PIL import Image

    path = folder / f"original{LIVE_SUFFIX}"
    Image.fromarray(portrait.pixels).save(path, quality=95, subsampling=0)
    return path


def _around_face(portrait: Portrait, image: Image.Image) -> Tensor:
    """The rectangle around the first face, float32 (3, h, w) in [0, 1], the longer side at most `GRADED_SIDE`."""
    region = portrait.regions[0]
    part = to_tensor(image.crop((region.left, region.top, region.right, region.bottom)))
    height, width = part.shape[-2:]
    factor = GRADED_SIDE / max(height, width)
    if factor >= 1:
        return part
    return resize(part[None], (max(1, round(height * factor)), max(1, round(width * factor))))[0]


def _picture(session: Session) -> Picture:
    if session.picture is None:
        raise UsageError("there is no picture yet: move a slider.")
    return session.picture


def _stem(session: Session) -> str:
    return _safe(f"{Path(session.photo.name).stem}-{session.model}")


def _safe(name: str) -> str:
    """A file name that every system accepts.

    >>> _safe("me & you: 1-gath[x=1]")
    'me_you_1-gath_x_1'
    """
    return re.sub(r"[^\w.-]+", "_", name).strip("_.")[:80] or "picture"


@contextmanager
def _without_folder(path: object) -> Iterator[None]:
    """Errors name an uploaded file without the folder that it was stored in."""
    try:
        yield
    except UsageError as error:
        if not isinstance(path, Path):
            raise
        raise UsageError(str(error).replace(f"{path.parent}{os.sep}", "")) from error


def _counted(
    frames: Iterator[Image.Image], total: int, progress: Callable[[int, int], None] | None
) -> Iterator[Image.Image]:
    for done, frame in enumerate(frames, 1):
        yield frame
        if progress:
            progress(done, total)
