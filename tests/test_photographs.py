"""Photographs as files: every mode, orientation and damage."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from maskdet import data

from small_sets import MASKED, encoded, noise, skipped


@pytest.mark.parametrize(
    ("mode", "value", "expected"),
    [
        ("L", 100, (100, 100, 100)),
        ("1", 1, (255, 255, 255)),
        ("LA", (100, 255), (100, 100, 100)),
        ("RGBA", (200, 100, 0, 255), (200, 100, 0)),
        ("RGBA", (200, 100, 0, 0), (255, 255, 255)),
        ("I;16", 100 * 257, (100, 100, 100)),
        ("I;16", 65535, (255, 255, 255)),
    ],
)
def test_every_mode_becomes_rgb(tmp_path, mode, value, expected):
    Image.new(mode, (6, 4), value).save(tmp_path / "a.png")
    image = data.read_image(tmp_path / "a.png")
    assert image.shape == (4, 6, 3) and image.dtype == np.uint8
    assert (image == expected).all()


def test_a_palette_with_a_transparent_colour_is_shown_on_white(tmp_path):
    image = Image.new("P", (6, 4), 1)
    image.putpalette([0, 0, 0, 10, 20, 30])
    image.putpixel((0, 0), 0)
    image.save(tmp_path / "a.png", transparency=0)
    pixels = data.read_image(tmp_path / "a.png")
    assert tuple(pixels[0, 0]) == (255, 255, 255) and tuple(pixels[1, 1]) == (10, 20, 30)


def test_cmyk_becomes_rgb(tmp_path):
    Image.new("CMYK", (16, 16), (0, 255, 255, 0)).save(tmp_path / "a.jpg", quality=100)
    assert np.abs(data.read_image(tmp_path / "a.jpg").astype(int) - (255, 0, 0)).max() <= 3


@pytest.mark.parametrize(
    ("orientation", "corner"), [(1, (0, 0)), (3, (3, 5)), (6, (0, 3)), (8, (5, 0))]
)
def test_a_photograph_is_turned_upright(tmp_path, orientation, corner):
    pixels = np.zeros((4, 6, 3), np.uint8)
    pixels[0, 0] = 255
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(pixels).save(tmp_path / "a.png", exif=exif)
    image = data.read_image(tmp_path / "a.png")
    assert image.shape[:2] == ((4, 6) if orientation < 5 else (6, 4))
    assert np.argwhere(image[..., 0] == 255).tolist() == [list(corner)]


@pytest.mark.parametrize("size", [(40, 30), (30, 40)])
def test_boxes_refer_to_the_orientation_whose_size_the_annotation_states(voc, size):
    exif = Image.Exif()
    exif[0x0112] = 6
    voc.file("images/turned.png", encoded(noise(1), exif=exif))  # 40 x 30 as it lies
    voc.annotation("turned", [MASKED], size=size)
    dataset = voc.prepare()
    assert dataset.image("images/turned.png").shape == (size[1], size[0], 3)
    row = dataset.photographs.set_index("photograph").loc["images/turned.png"]
    assert (row["width"], row["height"]) == size


def bomb(width, height):
    """A PNG whose header claims width x height pixels."""
    def chunk(kind, content):
        return (struct.pack(">I", len(content)) + kind + content
                + struct.pack(">I", zlib.crc32(kind + content)))
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


DAMAGED = {
    "empty": (b"", "an empty file"),
    "text": (b"<html>not found</html>", "none of the formats JPEG, PNG, WEBP, GIF, BMP"),
    "truncated": (encoded(noise(0), format="JPEG")[:-200], "a truncated or damaged image"),
    "truncated PNG": (encoded(noise(0))[:-200], "a truncated or damaged image"),
    "large": (bomb(9000, 9000), "more than 80 megapixels"),
    "larger": (bomb(60000, 60000), "more than 80 megapixels"),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_a_damaged_file_is_refused_in_one_line_with_the_remedy(tmp_path, case):
    content, fault = DAMAGED[case]
    path = tmp_path / "photograph.jpg"
    path.write_bytes(content)
    with pytest.raises(data.PhotographError) as caught:
        data.read_image(path)
    assert str(caught.value) == (
        f"expected a photograph in {path}, got {fault}:"
        " delete the file, or fetch the set again with `make data PROFILE=...`"
    )


def test_a_missing_photograph_is_refused(tmp_path):
    with pytest.raises(data.PhotographError, match=r"missing\.png, got a file that cannot be read"):
        data.read_image(tmp_path / "missing.png")


@pytest.mark.parametrize("case", DAMAGED)
def test_damaged_files_are_left_out_and_counted(voc, case):
    content, fault = DAMAGED[case]
    voc.file("images/p00.png", content)
    dataset = voc.prepare()
    assert len(dataset.photographs) == 9 and len(dataset.boxes) == 18
    assert skipped(dataset) == [("images/p00.png", f"photograph left out: {fault}")]
