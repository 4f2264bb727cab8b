"""Fetching a public set from Kaggle."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from maskdet import config
from maskdet.config import Profile
from maskdet.data.readers import READERS

HANDLES = {"larxel": "andrewmvd/face-mask-detection", "wobot": "wobotintelligence/face-mask-detection-dataset"}
TOKEN = ("make a token at kaggle.com -> Settings -> API -> Create New Token, then put it into the variable "
         "KAGGLE_API_TOKEN or the file ~/.kaggle/access_token (an older kaggle.json: into ~/.kaggle/)")


class DownloadError(RuntimeError):
    """A set that could not be fetched; the message is one line with the remedy."""


def fetch(profile: Profile) -> Path:
    """Download the photographs of `profile` into data/<set> of the checkout, else of the current folder, whole or not
    at all; where they are, they stay. Raises DownloadError when Kaggle refuses or cannot be reached, and ValueError for
    a profile whose photographs are not on Kaggle."""
    if profile.set not in HANDLES:
        raise ValueError(f"expected a profile whose photographs are on Kaggle, one of {', '.join(HANDLES)}, got "
                         f"{profile.name!r}")
    place, reader = (config.ROOT / "data" / profile.set).absolute(), READERS[profile.layout]
    if reader.fits(place):
        return place
    if place.exists():
        raise DownloadError(f"expected no {place} or a whole set, got something else: delete it")
    with arriving(place) as part:
        _download(HANDLES[profile.set], part)
        if not reader.fits(part):
            raise DownloadError(f"expected {' and '.join(reader.contains)} in the download of {HANDLES[profile.set]}, "
                                f"got {', '.join(sorted(os.listdir(part))) or 'nothing'}")
    return place


@contextlib.contextmanager
def arriving(place: Path) -> Iterator[Path]:
    """A folder beside `place` to download into. It becomes `place` when the block has ended; after an error it is
    removed."""
    part = place.with_name(f".{place.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield part
        part.rename(place)
    finally:
        shutil.rmtree(part, ignore_errors=True)
        with contextlib.suppress(OSError):
            place.parent.rmdir()  # only where nothing came into it


def _download(handle: str, part: Path) -> None:
    """Fetch one set from Kaggle into the folder `part`."""
    import kagglehub
    import requests
    from kagglehub.config import get_kaggle_credentials

    known = False
    try:
        known = bool(get_kaggle_credentials())
        got = Path(kagglehub.dataset_download(handle, output_dir=str(part)))
        if got != part:  # within a Kaggle notebook the set is mounted elsewhere
            shutil.copytree(got, part, dirs_exist_ok=True)
    except requests.ConnectionError:
        raise DownloadError(f"expected {handle} from Kaggle, got no connection to kaggle.com: try again with one"
                            ) from None
    except Exception as error:  # of the network, of Kaggle, of a token: kagglehub has no base class
        fault = " ".join(str(error).split()) or type(error).__name__
        remedy = "see whether the token still holds" if known else TOKEN
        raise DownloadError(f"expected {handle} from Kaggle, got {fault}: {remedy}") from error
    shutil.rmtree(part / ".complete", ignore_errors=True)  # kagglehub's own mark
