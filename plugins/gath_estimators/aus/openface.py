"""The AU estimator ``openface``: runs the user's OpenFace 2 on every image, or reads a table that it wrote."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from gath_bench.au import get_space, read_au_csv
from gath_bench.contracts import NO_WEIGHTS, EvaluatorInfo, Features, file_hash, fingerprint
from gath_bench.errors import Unavailable, UsageError
from gath_bench.images import write_png
from gath_estimators.aus.table import TableAUs

SPACE = "openface17"
PROGRAM = "FeatureExtraction"
NO_FACE = "OpenFace found no face"
#: Static AU models: values of one image do not depend on others.
ARGUMENTS = ("-aus", "-au_static", "-q")
_TIMEOUT = 300.0


class OpenFaceAUs:
    """17 AU intensities of OpenFace 2 (implements the ``AUEstimator`` contract).

    The program is started once per image with its static AU models, so that an image's values do not depend on others.
    Its models load at every start; for many images, run it yourself and pass the table (``au-csv``).
    """

    def __init__(self, *, binary: Path | None = None) -> None:
        """Args:
        binary: path of ``FeatureExtraction``, with its models beside it as OpenFace installs them; by default it is
            looked for on the ``PATH``.
        """
        found = shutil.which(str(binary or PROGRAM))
        if binary is not None and found is None:
            raise UsageError(f"{binary} is not an executable file: give the path of OpenFace's {PROGRAM}.")
        self._binary = Path(found) if found else None

    @cached_property
    def info(self) -> EvaluatorInfo:
        """Domain, AU space and fingerprint, which covers program, models and arguments."""
        if self._binary is None:
            return EvaluatorInfo(NO_WEIGHTS, frozenset({"photo"}), SPACE)
        models = [
            path
            for folder in ("model", "AU_predictors", "classifiers")
            for path in sorted((self._binary.parent / folder).rglob("*"))
            if path.is_file()
        ]
        hashes = [file_hash(path) for path in (self._binary, *models)]
        return EvaluatorInfo(fingerprint(*hashes, *ARGUMENTS), frozenset({"photo"}), SPACE)

    def to(self, device: str) -> OpenFaceAUs:
        """The estimator itself; OpenFace runs on the CPU."""
        return self

    def __call__(self, images: Tensor) -> Features:
        """AU coefficients of images (B, 3, H, W): float32 (B, 17) in [0, 1], intensities divided by 5.

        Raises:
            Unavailable: the program is missing, cannot be started, or ends with an error.
        """
        if self._binary is None:
            raise Unavailable(
                f"the AU estimator 'openface' needs OpenFace 2: put {PROGRAM} on the PATH, or write "
                "'openface[binary=PATH]'"
            )
        values = torch.full((len(images), len(get_space(SPACE))), torch.nan)
        missing = {}
        for position, image in enumerate(images):
            found = self._measure(self._binary, image)
            if found is None:
                missing[position] = NO_FACE
            else:
                values[position] = found
        return Features(values.to(images.device), missing)

    def _measure(self, binary: Path, image: Tensor) -> Tensor | None:
        """AUs of one image; None without a face."""
        with tempfile.TemporaryDirectory(prefix="gath-bench-openface-") as name:
            folder = Path(name)
            given, output = folder / "images", folder / "output"
            given.mkdir()
            write_png(given / "0001.png", image.detach().cpu())
            command = [str(binary), "-fdir", str(given), "-out_dir", str(output), "-of", "aus", *ARGUMENTS]
            try:
                done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT, check=False)
            except (OSError, subprocess.TimeoutExpired) as error:
                raise Unavailable(f"{binary.name} cannot be run: {type(error).__name__}") from error
            tables = sorted(output.glob("*.csv"))
            if done.returncode != 0 or not tables:
                said = (done.stderr or done.stdout).strip().splitlines()
                raise Unavailable(
                    f"{binary.name} ended with code {done.returncode} and no table"
                    + (f": {said[-1]}" if said else "")
                )
            try:
                series = read_au_csv(tables[0], SPACE)
            except UsageError as error:
                raise Unavailable(f"the table of {binary.name} cannot be used: {error}") from error
        if series.success is not None and not series.success[0]:
            return None
        return torch.from_numpy(series.values[0].copy())


class OpenFaceTable(TableAUs):
    """A table of OpenFace, in its own space."""

    def __init__(self, *, csv: Path, images: Path) -> None:
        super().__init__(csv=csv, images=images, space=SPACE)


def make_openface(
    *, binary: Path | None = None, csv: Path | None = None, images: Path | None = None
) -> OpenFaceAUs | OpenFaceTable:
    """The AU estimator ``openface``.

    Args:
        binary: path of ``FeatureExtraction``; by default it is looked for on the ``PATH``.
        csv: a table that it wrote, instead of running it.
        images: the folder of images that the table was made from.

    Raises:
        UsageError: a program and a table are both given, or a table without its images.
    """
    if csv is None and images is None:
        return OpenFaceAUs(binary=binary)
    if csv is None or images is None or binary is not None:
        raise UsageError("give binary=PROGRAM, or csv=TABLE and images=FOLDER.")
    return OpenFaceTable(csv=csv, images=images)
