"""Photographs: where they are, as arrays, and the difference hash that shows near-duplicates."""

import io
import os
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from maskdet import config
from maskdet.config import Profile
from maskdet.data.readers import READERS

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")  # by content: a .jpg may well hold a PNG
LARGEST = 80_000_000  # pixels; a small file can claim to be larger than memory
HASH_SIDE = 16
ORIENTATION = 0x0112  # the EXIF tag
SIDEWAYS = (5, 6, 7, 8)  # its values that exchange width and height


class PhotographError(ValueError):
    """A file that is not a readable photograph; the message is one line with the remedy."""

    def __init__(self, name: object, fault: str):
        super().__init__(f"expected a photograph in {name}, got {fault}:"
                         " delete the file, or fetch the set again with `make data PROFILE=...`")
        self.fault = fault


def run_folder(profile: Profile) -> Path:
    """The folder of a run's tables, and of the photographs that it draws."""
    return profile.folder / "data"


def photographs_folder(profile: Profile) -> Path:
    """The folder that holds the photographs of `profile`. Drawn photographs are in the run's own folder, other sets in
    `$MASKDET_DATA/<set>`, or in `$MASKDET_DATA` itself; without that variable, in `data/<set>` of `config.ROOT`.
    Raises FileNotFoundError, with the remedy, where there are none."""
    reader = READERS[profile.layout]
    if profile.drawn:
        if not reader.fits(folder := run_folder(profile) / "photographs"):
            raise FileNotFoundError(f"expected drawn photographs in {folder}, got none: run `{profile.command}`")
        return folder
    sets = Path(os.environ.get("MASKDET_DATA") or config.ROOT / "data")
    for folder in (sets / profile.set, sets):
        if reader.fits(folder):
            return folder
    raise FileNotFoundError(
        f"expected {' and '.join(f'{path}/' for path in reader.contains)} in {sets / profile.set}, got no such "
        f"folders: fetch the photographs with `make data PROFILE={profile.name}` and MASKDET_DATA unset, or set "
        f"MASKDET_DATA to the folder that holds {profile.set}/")


def read_bytes(path: Path) -> bytes:
    """The content of a file. Raises PhotographError where it cannot be read."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise PhotographError(path, f"a file that cannot be read ({error.strerror})") from None


def read_image(path: Path, *, size: tuple[int, int] | None = None) -> np.ndarray:
    """The photograph in `path`: (H, W, 3) uint8 RGB. It is turned upright, as its EXIF orientation says, unless `size`,
    the (width, height) that its annotation states, is its size before the turn. Raises PhotographError when the file is
    missing, empty, damaged, too large or no photograph."""
    return decoded(read_bytes(path), name=path, size=size)


def decoded(content: bytes, *, name: object, size: tuple[int, int] | None = None) -> np.ndarray:
    """As `read_image`, from the bytes of the file; `name` is for messages."""
    if not content:
        raise PhotographError(name, "an empty file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of large sizes, which are checked here
            with Image.open(io.BytesIO(content), formats=FORMATS) as image:
                if image.width * image.height > LARGEST:
                    raise Image.DecompressionBombError
                sideways = image.getexif().get(ORIENTATION) in SIDEWAYS
                if not (sideways and size == image.size):
                    ImageOps.exif_transpose(image, in_place=True)
                return np.array(_rgb(image))
    except Image.DecompressionBombError:
        raise PhotographError(name, f"more than {LARGEST // 10**6} megapixels") from None
    except UnidentifiedImageError:
        raise PhotographError(name, f"none of the formats {', '.join(FORMATS)}") from None
    except Exception:  # damage makes Pillow raise errors of a dozen types
        raise PhotographError(name, "a truncated or damaged image") from None


def _rgb(image: Image.Image) -> Image.Image:
    """`image` in mode RGB: 16 bits scaled to 8, transparent parts on white."""
    if image.mode.startswith("I"):  # 16 bits: `convert` would cut off at 255, not scale
        grey = np.clip(np.asarray(image, np.int64), 0, 65535) // 257
        image = Image.fromarray(grey.astype(np.uint8))
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA"))
    return image.convert("RGB")


def difference_hash(image: np.ndarray) -> np.ndarray:
    """256 bits that say where a (H, W, 3) uint8 photograph darkens to the right: (4,) uint64."""
    grey = Image.fromarray(image).convert("L")
    pixels = np.asarray(grey.resize((HASH_SIDE + 1, HASH_SIDE), Image.Resampling.LANCZOS))
    return np.packbits(pixels[:, 1:] < pixels[:, :-1]).view(np.uint64)
