"""Subjects: about ninety parameters of a person, as a function of the seed of the subject."""

from __future__ import annotations

import torch
from torch import Tensor

from gath_datasets.synthfaces import tones
from gath_datasets.synthfaces.parameters import ParameterBatch
from gath_datasets.synthfaces.rand import Draws
from gath_datasets.synthfaces.styles import (
    BEARD_DENSITY,
    BEARDS,
    COVER_SHAPE,
    COVERS,
    GLASSES,
    GLASSES_SHAPE,
    HAIR_STYLES,
    hair_parameters,
    table_columns,
)

SKIN_GROUPS = ("I very pale", "II pale", "III light brown", "IV brown", "V dark", "VI very dark")
AGE_GROUPS = ("20-34", "35-49", "50-64", "65-80")


class Subjects(ParameterBatch):
    """B people."""


def draw_subjects(seeds: Tensor) -> Subjects:
    """Sample subjects from seeds int64 (B,). A subject depends on its own seed only."""
    d = Draws(seeds.cpu())
    n, u = d.normal, d.uniform
    v: dict[str, Tensor] = {}

    # --- person: presentation (0 feminine, 1 masculine), age in years, skin from pale (0) to dark (1)
    side = d.chance("presentation side", 0.5)
    masculine = (0.16 + 0.68 * side + n("presentation", 0, 0.11)).clamp(0, 1)
    years = 20 + 60 * u("age") ** 1.15
    age = (years - 20) / 60
    melanin = u("melanin")
    v |= {"masculine": masculine, "years": years, "age": age, "melanin": melanin}

    # --- shape of the head, in face units
    v["face_width"] = 0.382 + n("face width", 0, 0.0216) + 0.010 * masculine
    v["chin_y"] = 0.600 + n("face length", 0, 0.0325) + 0.030 * masculine
    v["crown_y"] = 0.605 + n("crown", 0, 0.015)
    v["jaw_power"] = 2.10 + n("jaw", 0, 0.221) + 0.35 * masculine
    v["depth"] = 0.440 + n("depth", 0, 0.018)
    v["chin"] = 0.9 + n("chin", 0, 0.42) + 0.2 * masculine
    v["cheek"] = 0.9 + n("cheek", 0, 0.39) + 0.15 * (1 - masculine)
    v["hollow"] = (0.25 + n("hollow", 0, 0.35) + 0.35 * age).clamp(min=-0.3)
    v["ridge"] = 0.55 + n("ridge", 0, 0.2) + 0.5 * masculine
    v["ear_size"] = 1.0 + n("ears", 0, 0.08) + 0.10 * age
    v["skew"] = n("skew", 0, 0.007)  # sideways bow of the mid-line
    v["skew_eyes"] = n("skew eyes", 0, 0.004)  # one eye higher
    v["skew_mouth"] = n("skew mouth", 0, 0.004)

    # --- eyes
    v["eye_x"] = 0.180 + n("eye distance", 0, 0.0105)
    v["eye_width"] = 0.0890 + n("eye width", 0, 0.00585) + 0.002 * (1 - masculine)
    v["eye_open"] = 0.455 + n("eye opening", 0, 0.072) - 0.045 * age - 0.02 * masculine
    v["eye_low"] = 0.265 + n("lower lid", 0, 0.030)
    v["eye_tilt"] = 0.045 + n("eye tilt", 0, 0.066) - 0.05 * age
    v["crease"] = (0.185 + n("crease", 0, 0.06) - 0.08 * age).clamp(min=0.05)
    v["hooded"] = ((u("hooded") - 0.62) * 3 + 0.5 * age).clamp(0, 1)
    v["iris"] = 0.430 + n("iris", 0, 0.018)
    v["lashes"] = 0.55 + n("lashes", 0, 0.12) + 0.30 * (1 - masculine)
    v["bags"] = (0.25 + n("bags", 0, 0.2) + 0.75 * age).clamp(min=0)

    # --- brows
    v["brow_y"] = 0.120 + n("brow height", 0, 0.0135) - 0.014 * masculine
    v["brow_thick"] = 0.0155 + n("brow thickness", 0, 0.00392) + 0.0055 * masculine
    v["brow_arch"] = (0.018 + n("brow arch", 0, 0.0091) - 0.008 * masculine).clamp(min=0.002)
    v["brow_tilt"] = n("brow tilt", 0, 0.013)
    v["brow_length"] = 0.196 + n("brow length", 0, 0.0156)
    v["brow_density"] = 0.78 + n("brow density", 0, 0.10) + 0.08 * masculine - 0.18 * age

    # --- nose
    v["nose_y"] = 0.268 + n("nose length", 0, 0.0216) + 0.012 * masculine + 0.010 * age
    wide = n("nose width", 0, 0.6) + 0.9 * (melanin - 0.45)
    v["nose_width"] = 0.0880 + 0.011 * wide + 0.005 * masculine + 0.003 * age
    v["bridge_width"] = 0.0420 + n("bridge width", 0, 0.0052) + 0.003 * wide
    v["bridge"] = (1.0 + n("bridge", 0, 0.3) - 0.22 * wide).clamp(0.35, 1.6)
    v["tip"] = 1.0 + n("tip", 0, 0.234)
    v["tip_width"] = 0.0430 + n("tip width", 0, 0.0052) + 0.004 * wide
    v["nostril"] = 1.0 + n("nostril", 0, 0.15) + 0.10 * wide

    # --- mouth and jaw
    full = n("lips", 0, 0.6875) + 0.55 * (melanin - 0.4) - 0.5 * age - 0.25 * masculine
    v["mouth_y"] = v["nose_y"] + 0.118 + n("philtrum", 0, 0.01215) + 0.010 * age
    v["mouth_width"] = 0.149 + n("mouth width", 0, 0.0112) + 0.005 * masculine
    v["lip_upper"] = (0.0315 + 0.0075 * full + n("upper lip", 0, 0.003)).clamp(min=0.017)
    v["lip_lower"] = (0.0450 + 0.0085 * full + n("lower lip", 0, 0.003)).clamp(min=0.027)
    v["bow"] = 0.5 + n("cupid", 0, 0.22)
    v["corner"] = n("corner", 0, 0.005) + 0.008 * age - 0.006
    v["teeth"] = 0.93 + n("teeth", 0, 0.03) - 0.10 * age

    # --- skin
    v["undertone"] = n("undertone", 0, 0.5)
    v["redness"] = u("redness")
    v["blotch"] = 0.35 + 0.5 * u("blotch") + 0.35 * age
    v["freckles"] = ((u("freckles") - 0.72) * 4).clamp(0, 1) * (1 - melanin).clamp(0, 1)
    v["moles"] = ((u("moles") - 0.45) * 1.8).clamp(0, 1)
    v["spots"] = (age * 1.8 - 0.9 + n("spots", 0, 0.2)).clamp(0, 1)
    v["shine"] = 0.75 + n("shine", 0, 0.22)
    for axis in ("texture_x", "texture_y"):
        v[axis] = u(axis)

    # --- hair: colour depends on skin and age, the style on presentation and age
    tone = (u("hair tone") ** 1.2 * (1.05 - 1.25 * melanin)).clamp(0.02, 1)
    red = d.chance("red hair", 0.07) * (melanin < 0.30)
    grey = torch.sigmoid((years - 52 + n("greying", 0, 7)) / 5.5)
    shown = grey * (1 - 0.8 * d.chance("dyed", 0.45 * (1 - masculine)))
    v["grey"] = shown
    weights = _style_weights(masculine, age, melanin)
    style = d.choice("hairstyle", weights)
    v["hairstyle"] = style
    hair = hair_parameters(style)
    v |= {f"hair_{name}": value for name, value in hair.items() if name not in ("feminine", "masculine")}
    v["hair_top"] = hair["top"] * (1 + n("hair top", 0, 0.18))
    v["hair_side"] = hair["side"] * (1 + n("hair side", 0, 0.18))
    v["hair_part"] = hair["part"] * (1 - 2 * d.chance("part side", 0.5)) * (1 + n("part", 0, 0.2))
    v["hair_opening"] = hair["opening"] + n("opening", 0, 0.03)
    receding = (age * 1.3 * masculine - 0.35 + n("receding", 0, 0.2)).clamp(0, 1) * masculine
    v["receding"] = receding
    v["hairline"] = -0.398 + n("hairline", 0, 0.016) - 0.035 * receding
    v["peak"] = ((u("widow's peak") - 0.7) * 3).clamp(0, 1)
    colour = tones.ramp(tones.HAIR, tone)
    colour = tones.blend(colour, tones.RED_HAIR, red * (0.7 + 0.3 * u("red amount")))
    natural = colour
    v["hair_colour"] = tones.blend(colour, tones.GREY_HAIR, shown)
    v["brow_colour"] = tones.blend(natural * 0.80, tones.GREY_HAIR, 0.22 * shown)
    v["eye_colour"] = tones.ramp(tones.IRIS, (u("eye colour") * (1.10 - 1.15 * melanin)).clamp(0.0, 1))
    v["skin_colour"] = _skin_colour(melanin, v["undertone"], v["redness"])

    # --- beard: only on masculine faces; colour a little redder than the hair
    beard = d.choice("beard", _beard_weights(masculine))
    v["beard"] = beard
    v["beard_lip"], v["beard_chin"], v["beard_jaw"], v["beard_length"] = table_columns(BEARD_DENSITY, beard)
    v["shadow"] = (masculine - 0.55).clamp(min=0) * (0.10 + 0.25 * u("beard shadow")) * 2
    v["beard_colour"] = tones.blend(
        tones.blend(natural, (0.40, 0.22, 0.12), 0.12 * tone), tones.GREY_HAIR, 0.9 * grey
    )

    # --- make-up, glasses, head cover: a minority of subjects
    made_up = d.chance("make-up", 0.55) * (masculine < 0.5)
    strength = made_up * (0.3 + 0.7 * u("make-up strength"))
    v["lipstick"] = strength * d.chance("lipstick", 0.8)
    v["eye_shadow"] = strength * d.chance("eye shadow", 0.6)
    v["liner"] = strength * d.chance("liner", 0.7)
    v["blusher"] = strength * u("blusher")
    v["lipstick_colour"] = tones.hsv(
        0.96 + 0.05 * u("lipstick hue"), 0.55 + 0.2 * u("lipstick depth"), 0.72 - 0.22 * melanin
    )
    v["eye_shadow_colour"] = tones.hsv(
        u("eye shadow hue"), 0.25 + 0.15 * u("eye shadow depth"), 0.55 - 0.2 * melanin
    )
    glasses = d.choice("glasses", (0.80, 0.05, 0.05, 0.06, 0.04))
    v["glasses"] = glasses
    v["lens_width"], v["lens_height"], v["lens_power"], v["rim"], v["rim_low"] = table_columns(
        GLASSES_SHAPE, glasses
    )
    v["rim_colour"] = tones.hsv(0.08 * u("rim hue"), 0.5 * u("rim depth"), 0.07 + 0.30 * u("rim value") ** 2)
    cover = d.choice("head cover", torch.stack(_cover_weights(masculine), -1))
    v["cover"] = cover
    names = (
        "cover_top",
        "cover_side",
        "cover_edge",
        "cover_opening",
        "cover_end",
        "cover_hair",
        "cover_back",
    )
    v |= dict(zip(names, table_columns(COVER_SHAPE, cover), strict=True))
    v["cover_colour"] = tones.hsv(
        u("cover hue"), 0.15 + 0.45 * u("cover depth"), 0.20 + 0.60 * u("cover value")
    )
    v["cloth_colour"] = tones.hsv(
        u("cloth hue"), 0.10 + 0.45 * u("cloth depth"), 0.15 + 0.70 * u("cloth value")
    )
    v["collar"] = u("collar")

    return Subjects.of(seeds, v)


def _skin_colour(melanin: Tensor, undertone: Tensor, redness: Tensor) -> Tensor:
    """Base skin (B, 3): melanin ramp, shifted to olive/yellow (undertone > 0) or pink (< 0)."""
    base = tones.ramp(tones.SKIN, melanin)
    shift = torch.stack([-0.010 * undertone, 0.012 * undertone, -0.028 * undertone], -1)
    flush = torch.stack([0.010 * redness, -0.018 * redness, -0.014 * redness], -1)
    return (base + (shift + flush) * (0.4 + 0.6 * (1 - melanin))[:, None]).clamp(0.03, 0.98)


def _style_weights(masculine: Tensor, age: Tensor, melanin: Tensor) -> Tensor:
    """Sampling weight of each hairstyle for each subject, (B, N)."""
    feminine_w = torch.tensor([s.feminine for s in HAIR_STYLES], dtype=torch.float64)
    masculine_w = torch.tensor([s.masculine for s in HAIR_STYLES], dtype=torch.float64)
    m = (masculine.clamp(0.2, 0.8) - 0.2)[:, None] / 0.6
    weights = feminine_w * (1 - m) + masculine_w * m
    index = {s.name: i for i, s in enumerate(HAIR_STYLES)}
    weights[:, index["bald"]] *= 0.5 + 2.0 * age * masculine
    weights[:, index["afro"]] *= 0.05 + 2.2 * melanin**2
    for name in ("short curls", "long curls"):
        weights[:, index[name]] *= 0.5 + 1.2 * melanin
    return weights


def _beard_weights(masculine: Tensor) -> Tensor:
    """Sampling weight of each beard, (B, 6); feminine faces have none."""
    bearded = torch.tensor([0.36, 0.22, 0.07, 0.09, 0.15, 0.11], dtype=torch.float64)
    none = torch.tensor([1.0, 0, 0, 0, 0, 0], dtype=torch.float64)
    return torch.where((masculine > 0.6)[:, None], bearded, none)


def _cover_weights(masculine: Tensor) -> list[Tensor]:
    """Sampling weight of each head cover, in the order of ``COVERS``."""
    one = torch.ones_like(masculine)
    soft = (masculine < 0.5).double()
    return [0.87 * one, 0.045 * one, 0.065 * soft, 0.015 + 0.035 * (1 - soft), 0.02 + 0.02 * soft]


def attributes(subjects: Subjects) -> list[dict[str, str]]:
    """Readable attributes of each person, for histograms and group statistics."""
    rows: list[dict[str, str]] = []
    for i in range(len(subjects)):
        v = {
            name: subjects[name][i].item()
            for name in ("melanin", "years", "masculine", "grey", "lipstick", "eye_shadow")
        }
        cover = COVERS[int(subjects["cover"][i])]
        rows.append(
            {
                "skin": SKIN_GROUPS[min(int(v["melanin"] * len(SKIN_GROUPS)), len(SKIN_GROUPS) - 1)],
                "age": AGE_GROUPS[min(int((v["years"] - 20) / 15), len(AGE_GROUPS) - 1)],
                "presentation": "masculine" if v["masculine"] > 0.5 else "feminine",
                "hairstyle": HAIR_STYLES[int(subjects["hairstyle"][i])].name,
                "hair": "grey" if v["grey"] > 0.5 else "natural or dyed",
                "beard": BEARDS[int(subjects["beard"][i])],
                "glasses": GLASSES[int(subjects["glasses"][i])],
                "head cover": cover,
                "make-up": "yes" if v["lipstick"] + v["eye_shadow"] > 0 else "no",
            }
        )
    return rows
