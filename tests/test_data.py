"""The photographs and their tables, on tiny sets with known answers."""

import dataclasses
import io
import json
import struct
import subprocess
import sys
import time
import zlib

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from maskdet import config, data
from maskdet.data import __main__ as command
from maskdet.data import download, splits

WOBOT = "Medical mask/Medical mask/Medical Mask"
NO_NUMBERS = "box left out: its coordinates are not four finite numbers"
OUTSIDE = "box left out: it lies wholly outside the photograph"
NO_AREA = "box left out: it has no area"
CLIPPED = "box clipped: it lies partly outside the photograph"
MASKED, BARE = (2, 2, 12, 14, "with_mask"), (20, 5, 30, 17, "without_mask")


def noise(number, *, width=40, height=30):
    """A photograph unlike any other."""
    return np.random.default_rng(number).integers(0, 256, (height, width, 3), np.uint8)


def encoded(pixels, **options):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, **{"format": "PNG"} | options)
    return file.getvalue()


def xml(boxes, *, size=(40, 30)):
    """One Pascal VOC annotation."""
    objects = "".join(
        f"<object><name>{name}</name><bndbox><xmin>{left}</xmin><ymin>{top}</ymin>"
        f"<xmax>{right}</xmax><ymax>{bottom}</ymax></bndbox></object>"
        for left, top, right, bottom, name in boxes
    )
    stated = f"<size><width>{size[0]}</width><height>{size[1]}</height></size>" if size else ""
    return f"<annotation><filename>elsewhere.jpg</filename>{stated}{objects}</annotation>"


class Set:
    """A small set in a temporary folder: ten photographs, one face of each class in each."""

    def __init__(self, folder, layout, monkeypatch):
        self.folder, self.layout = folder / "set", layout
        monkeypatch.setenv("MASKDET_DATA", str(self.folder))
        monkeypatch.setenv("MASKDET_BUILD", str(folder / "build"))
        for path in data.READERS[layout].contains:
            (self.folder / path).mkdir(parents=True)
        if layout == "wobot":
            self.table([])

    def profile(self, **changes):
        name = {"voc": "larxel", "wobot": "wobot"}[self.layout]
        return dataclasses.replace(config.PROFILES[name], **changes)

    def prepare(self, **changes):
        return data.prepare(self.profile(**changes))

    def file(self, path, content):
        path = self.folder / path
        path.write_bytes(content if isinstance(content, bytes) else content.encode())

    def photograph(self, name, *, pixels=None):
        under = "" if self.layout == "voc" else f"{WOBOT}/"
        own = noise(zlib.crc32(name.encode())) if pixels is None else pixels
        self.file(f"{under}images/{name}", encoded(own))

    def annotation(self, stem, boxes, **options):
        if self.layout == "voc":
            self.file(f"annotations/{stem}.xml", xml(boxes, **options))
        else:
            names = {"with_mask": "face_with_mask", "without_mask": "face_no_mask"}
            annotations = [
                {"BoundingBox": edges, "classname": names.get(name, name)} for *edges, name in boxes
            ]
            content = json.dumps({"Annotations": annotations})
            self.file(f"{WOBOT}/annotations/{stem}.png.json", content)

    def table(self, rows, *, header="name,x1,x2,y1,y2,classname"):
        self.file("train.csv", "\n".join([header, *rows]) + "\n")

    def fill(self, count=10):
        for number in range(count):
            self.photograph(f"p{number:02}.png")
            self.annotation(f"p{number:02}", [MASKED, BARE])
        if self.layout == "wobot":
            self.table([f"p{number:02}.png,{row}" for number in range(count)
                        for row in ("2,2,12,14,face_with_mask", "20,5,30,17,face_no_mask")])
        return self


@pytest.fixture
def voc(tmp_path, monkeypatch):
    return Set(tmp_path, "voc", monkeypatch).fill()


@pytest.fixture
def wobot(tmp_path, monkeypatch):
    return Set(tmp_path, "wobot", monkeypatch).fill()


def skipped(dataset):
    return list(dataset.skipped.itertuples(index=False, name=None))


def rows(dataset, photograph):
    """The boxes of one photograph: edges and original class."""
    chosen = dataset.boxes[dataset.boxes["photograph"] == photograph]
    columns = ["left", "top", "right", "bottom", "original"]
    return list(chosen[columns].itertuples(index=False, name=None))


# Classes


def test_every_class_of_both_sets_is_folded_as_the_preprint_does():
    labels = {name: fold.label for name, fold in data.FOLDING.items()}
    assert len(labels) == 23
    assert {name for name in labels if labels[name] == "masked"} == {"face_with_mask", "with_mask"}
    assert {name for name in labels if labels[name] == "bare"} == {"face_no_mask", "without_mask"}
    faces = {name for name, fold in data.FOLDING.items() if fold.face}
    assert {name for name in faces if labels[name] == "left out"} == {
        "face_with_mask_incorrect", "mask_weared_incorrect", "face_other_covering"
    }
    assert {name for name in labels if labels[name] != "left out"} < faces


def test_the_folding_table_has_one_row_per_class_and_a_reason_for_each():
    table = data.folding_table()
    assert list(table.columns) == ["label", "a face", "why"] and len(table) == table.index.nunique() == 23
    assert (table["why"].str.len() > 0).all()


# Images


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


# Pascal VOC


def test_a_photograph_is_found_by_the_name_of_its_annotation(voc):
    dataset = voc.prepare()  # the XML's filename says elsewhere.jpg
    assert rows(dataset, "images/p03.png") == [MASKED, BARE]
    assert list(dataset.boxes["label"][:2]) == ["masked", "bare"]
    assert dataset.photographs["annotated"].all() and not skipped(dataset)


def test_a_photograph_without_annotation_belongs_to_no_side(voc):
    voc.photograph("extra.PNG")
    row = voc.prepare().photographs.set_index("photograph").loc["images/extra.PNG"]
    assert not row["annotated"] and row["split"] == ""


def test_an_annotation_without_photograph_is_counted(voc):
    voc.annotation("lost", [MASKED])
    reason = "annotation left out: it has no photograph"
    assert skipped(voc.prepare()) == [("annotations/lost.xml", reason)]


def test_other_files_and_second_photographs_are_counted(voc):
    voc.file("images/notes.txt", "")
    voc.photograph("p00.jpg")
    assert skipped(voc.prepare()) == [
        ("images/notes.txt", "file left out: its name does not end in .jpg or .jpeg or .png"),
        ("images/p00.png", "photograph left out: another has the same annotation"),
    ]


LAUGHS = (
    '<!DOCTYPE a [<!ENTITY l0 "ha">'
    + "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    + "]><annotation><object><name>&l11;</name></object></annotation>"
)


@pytest.mark.parametrize(
    "content",
    ["", "<annotation>", "<html></html>", "\0\1", LAUGHS, LAUGHS.encode("utf-16"),
     "<annotation><size><width>wide</width></size></annotation>"],
    ids=["empty", "open", "other", "binary", "entities", "utf-16 entities", "size"],
)
def test_malformed_xml_is_left_out_with_its_photograph(voc, content):
    voc.file("annotations/p00.xml", content)
    start = time.perf_counter()
    dataset = voc.prepare()
    assert time.perf_counter() - start < 30  # nothing was expanded
    assert len(dataset.photographs) == 9
    assert skipped(dataset) == [
        ("annotations/p00.xml", "photograph left out: its annotation is malformed XML")
    ]


def test_an_annotation_made_at_another_size_is_left_out(voc):
    voc.annotation("p00", [MASKED], size=(80, 60))
    reason = "photograph left out: another size than its annotation states"
    assert skipped(voc.prepare()) == [("images/p00.png", reason)]


@pytest.mark.parametrize("size", [None, (0, 0)])
def test_an_annotation_need_not_state_a_size(voc, size):
    voc.annotation("p00", [MASKED], size=size)
    assert rows(voc.prepare(), "images/p00.png") == [MASKED]


# Boxes


@pytest.mark.parametrize("layout", ["voc", "wobot"])
@pytest.mark.parametrize(
    ("edges", "expected", "reason"),
    [
        ((-5, -1, 12, 14), (0, 0, 12, 14), CLIPPED),
        ((30, 20, 41, 31), (30, 20, 40, 30), CLIPPED),
        ((0, 0, 40, 30), (0, 0, 40, 30), None),
        ((40, 0, 50, 10), None, OUTSIDE),
        ((5, -9, 9, 0), None, OUTSIDE),
        ((5, 5, 5, 9), None, NO_AREA),
        ((9, 5, 5, 9), None, NO_AREA),
        ((4.6, "5", 9, 9), (5, 5, 9, 9), None),
        ((float("nan"), 5, 9, 9), None, NO_NUMBERS),
        ((5, 5, float("inf"), 9), None, NO_NUMBERS),
        ((5, 5, "nine", 9), None, NO_NUMBERS),
        ((5, 5, "1e999", 9), None, NO_NUMBERS),
    ],
)
def test_boxes_are_checked_against_the_photograph(
    tmp_path, monkeypatch, layout, edges, expected, reason
):
    small = Set(tmp_path, layout, monkeypatch).fill()
    small.annotation("p00", [(*edges, "with_mask")])
    small.table([]) if layout == "wobot" else None
    dataset = small.prepare()
    name = next(name for name in dataset.photographs["photograph"] if name.endswith("p00.png"))
    assert [row[:4] for row in rows(dataset, name)] == ([expected] if expected else [])
    assert [row[1] for row in skipped(dataset)] == ([reason] if reason else [])
    assert name in set(dataset.photographs["photograph"])


def test_a_box_with_three_numbers_is_counted(wobot):
    content = {"Annotations": [{"BoundingBox": [1, 2, 3], "classname": "face_no_mask"}]}
    wobot.file(f"{WOBOT}/annotations/extra.png.json", json.dumps(content))
    wobot.photograph("extra.png")
    reason = NO_NUMBERS
    assert skipped(wobot.prepare()) == [(f"{WOBOT}/annotations/extra.png.json", reason)]


def test_an_unknown_class_is_named(voc):
    voc.annotation("p00", [MASKED, (1, 1, 9, 9, "moustache")])
    dataset = voc.prepare()
    assert skipped(dataset) == [("annotations/p00.xml", "box left out: unknown class 'moustache'")]
    assert rows(dataset, "images/p00.png") == [MASKED]


def test_classes_left_out_stay_in_the_table(voc):
    voc.annotation("p00", [(1, 1, 9, 9, "mask_weared_incorrect"), (1, 1, 9, 9, "hat")])
    boxes = voc.prepare().boxes.query("photograph == 'images/p00.png'")
    assert list(boxes["label"]) == ["left out", "left out"] and list(boxes["face"]) == [True, False]


# The layout of the preprint's set


def test_json_annotations_are_read_and_agree_with_the_table(wobot):
    wobot.photograph("extra.png")
    dataset = wobot.prepare()
    assert rows(dataset, f"{WOBOT}/images/p07.png") == [
        (2, 2, 12, 14, "face_with_mask"), (20, 5, 30, 17, "face_no_mask")
    ]
    assert dataset.photographs["annotated"].sum() == 10 and len(dataset.photographs) == 11
    assert not skipped(dataset)


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("name,x1,x2,y1,y2,classname", "20,5,30,17"),  # the original: the header is wrong
        ("name,x1,y1,x2,y2,classname", "20,5,30,17"),  # the header corrected
        ("name,x1,x2,y1,y2,classname", "20,30,5,17"),  # the values put under the names
        ("\ufeffName, X1, Y1, X2, Y2, ClassName", "20,5,30,17"),
    ],
)
def test_the_values_of_the_table_decide_which_column_is_which(wobot, header, row):
    for number in range(3):
        (wobot.folder / WOBOT / f"annotations/p0{number}.png.json").unlink()
    table = [f"p0{number}.png,{row},face_with_mask" for number in range(3)]
    wobot.table(table, header=header)
    dataset = wobot.prepare()
    for number in range(3):
        name = f"{WOBOT}/images/p0{number}.png"
        assert rows(dataset, name) == [(20, 5, 30, 17, "face_with_mask")]
    assert dataset.photographs["annotated"].all() and not skipped(dataset)


def test_where_table_and_json_disagree_the_json_is_followed(wobot):
    wobot.table(["p00.png,3,3,12,14,face_with_mask", "p00.png,20,5,30,17,face_no_mask",
                 "p01.png,20,5,30,17,face_no_mask", "p01.png,2,2,12,14,face_with_mask"])
    dataset = wobot.prepare()
    assert rows(dataset, f"{WOBOT}/images/p00.png")[0] == (2, 2, 12, 14, "face_with_mask")
    reason = "rows left out: they disagree with the JSON file, which is followed"
    assert skipped(dataset) == [("train.csv: p00.png", reason)]


def test_bad_rows_of_the_table_are_counted(wobot):
    wobot.photograph("new.png")
    wobot.table(["p00.png,1,2,3", "lost.png,2,2,12,14,face_with_mask", "new.png,a,2,12,14,hat"])
    assert skipped(wobot.prepare()) == [
        ("train.csv: p00.png", "row left out: it has too few or too many fields"),
        ("train.csv: new.png", NO_NUMBERS),
        ("train.csv: lost.png", "annotation left out: it has no photograph"),
    ]


def test_a_set_without_the_table_is_read_and_that_is_counted(wobot):
    (wobot.folder / "train.csv").unlink()
    dataset = wobot.prepare()
    assert len(dataset.boxes) == 20 and [row[0] for row in skipped(dataset)] == ["train.csv"]


@pytest.mark.parametrize(
    "content", [b"", b"name,x1\n", b"\xff\xfe\x00", b'name\n"' + b"a" * 140_000],
    ids=["empty", "columns", "encoding", "field"],
)
def test_a_malformed_table_stops_with_one_line(wobot, content):
    wobot.file("train.csv", content)
    message = r"^expected .*train\.csv, got .*`make data PROFILE=wobot`$"
    with pytest.raises(ValueError, match=message):
        wobot.prepare()


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", '{"Annotations": 3}', '{"Annotations": ["x"]}', "[" * 100_000],
    ids=["empty", "open", "list", "number", "text", "deep"],
)
def test_malformed_json_is_left_out_with_its_photograph(wobot, content):
    wobot.file(f"{WOBOT}/annotations/p00.png.json", content)
    dataset = wobot.prepare()
    assert len(dataset.photographs) == 9
    reason = "photograph left out: its annotation is malformed JSON"
    assert skipped(dataset) == [(f"{WOBOT}/annotations/p00.png.json", reason)]


# Groups and splits


def test_copies_share_a_group_and_a_side(voc):
    pixels = noise(zlib.crc32(b"p00.png"))
    for number in range(5):
        voc.photograph(f"copy{number}.png", pixels=(pixels // 2 + number * 9).astype(np.uint8))
        voc.annotation(f"copy{number}", [MASKED])
    table = voc.prepare().photographs
    copies = table[table["photograph"].str.contains("copy|p00")]
    assert len(copies) == 6 and copies["group"].nunique() == 1 and copies["split"].nunique() == 1
    assert table["group"].nunique() == 10


def bits(*positions):
    chosen = np.zeros(256, bool)
    chosen[list(positions)] = True
    return np.packbits(chosen).view(np.uint64)


def test_under_twenty_bits_apart_is_near_and_nearness_is_passed_on():
    spans = [range(0), range(19), range(38), range(100, 120), range(200, 256)]
    hashes = np.array([bits(*span) for span in spans])
    assert data.near_duplicates(hashes).tolist() == [[0, 1], [1, 2]]
    assert splits.groups(hashes).tolist() == [0, 0, 0, 1, 2]


def test_near_duplicates_are_found_across_blocks():
    rng = np.random.default_rng(0)
    hashes = rng.integers(0, 2**63, (600, 4), np.uint64)
    hashes[599] = hashes[3] ^ np.uint64(0b111)
    assert data.near_duplicates(hashes).tolist() == [[3, 599]]


def test_the_hash_knows_a_photograph_at_another_size_and_brightness():
    smooth = Image.fromarray(noise(4, width=8, height=8)).resize((200, 150))
    pixels, other = np.asarray(smooth), np.asarray(smooth.resize((120, 90))) // 2

    def apart(one, two):
        return np.bitwise_count(data.difference_hash(one) ^ data.difference_hash(two)).sum()

    assert apart(pixels, other) < splits.NEAR
    assert apart(pixels, pixels[:, ::-1]) > 3 * splits.NEAR


def test_the_split_has_the_shares_and_whole_groups():
    groups = np.repeat(np.arange(400), np.where(np.arange(400) % 10 == 0, 3, 1))
    sides = data.split(groups, test_share=0.2, validation_share=0.1, seed=1)
    counts = {side: int((sides == side).sum()) for side in ("train", "validation", "test")}
    assert len(groups) == 480 and counts == {"train": 336, "validation": 48, "test": 96}
    assert all(len(set(sides[groups == group])) == 1 for group in range(400))


def test_the_split_follows_from_the_seed():
    options = {"test_share": 0.2, "validation_share": 0.1}
    one, same, other = (data.split(np.arange(100), **options, seed=seed) for seed in (1, 1, 2))
    assert (one == same).all() and (one != other).any()


def test_every_box_is_on_the_side_of_its_photograph(voc):
    dataset = voc.prepare()
    sides = dataset.photographs.set_index("photograph")["split"]
    assert (dataset.boxes["photograph"].map(sides) == dataset.boxes["split"]).all()
    assert sides.value_counts().to_dict() == {"train": 7, "test": 2, "validation": 1}


# Whole sets


def test_an_empty_folder_stops(tmp_path, monkeypatch):
    empty = Set(tmp_path, "voc", monkeypatch)
    message = "^expected photographs in .*, got none that can be read:"
    with pytest.raises(ValueError, match=message):
        empty.prepare()


@pytest.mark.parametrize(("kept", "missing"), [(MASKED, "bare"), (BARE, "masked")])
def test_a_set_without_one_of_the_classes_stops(voc, kept, missing):
    voc.prepare()  # whose tables are not left behind
    for number in range(10):
        voc.annotation(f"p{number:02}", [kept])
    message = f"^expected {missing} faces to learn from .*, got 0 in all"
    with pytest.raises(ValueError, match=message):
        voc.prepare()
    with pytest.raises(FileNotFoundError):
        data.load(voc.profile())


def test_the_tables_are_read_back_as_they_were_made(voc):
    voc.photograph("NA.png")  # a name that is no missing value
    made, read = voc.prepare(), data.load(voc.profile())
    for table in ("photographs", "boxes", "skipped"):
        pd.testing.assert_frame_equal(getattr(made, table), getattr(read, table))
    assert read.checksum == made.checksum and read.folder == voc.folder
    assert "images/NA.png" in set(read.photographs["photograph"])
    assert read.boxes["face"].dtype == bool and read.boxes["left"].dtype == np.int64
    assert (read.image("images/NA.png") == noise(zlib.crc32(b"NA.png"))).all()


def test_an_unknown_photograph_is_refused(voc):
    with pytest.raises(ValueError, match="expected one of the 10 photographs, got 'other.png'"):
        voc.prepare().image("other.png")


def test_the_checksum_tells_sets_apart(voc):
    first, again = voc.prepare().checksum, voc.prepare().checksum
    voc.annotation("p00", [BARE, MASKED])
    assert first == again != voc.prepare().checksum


def test_the_files_are_reported_missing_with_the_command(voc):
    message = "dataset.json, got no such file: run `make notebooks PROFILE=larxel`"
    with pytest.raises(FileNotFoundError, match=message):
        data.load(voc.profile())


def test_a_missing_table_is_reported_with_the_command(voc):
    voc.prepare()
    (voc.profile().folder / "boxes.csv").unlink()
    message = "boxes.csv, got no such file: run `make notebooks PROFILE=larxel`"
    with pytest.raises(FileNotFoundError, match=message):
        data.load(voc.profile())


def test_tables_made_with_other_settings_are_refused(voc):
    voc.prepare()
    with pytest.raises(ValueError, match="made with seed 7, got 562: run"):
        data.load(voc.profile(seed=7))


def test_drawn_photographs_are_drawn_once_and_read(tmp_path, monkeypatch, wobot):
    drawing = pytest.importorskip("maskdet.drawing")
    calls = []

    def write(folder, *, scenes, unannotated, seed):
        calls.append((scenes, unannotated, seed))
        (folder / WOBOT).parent.mkdir(parents=True)
        (wobot.folder / WOBOT).rename(folder / WOBOT)

    monkeypatch.setattr(drawing, "write", write)
    monkeypatch.delenv("MASKDET_DATA")
    profile = config.PROFILES["smoke"]
    with pytest.raises(FileNotFoundError, match="run `make notebooks PROFILE=smoke`"):
        data.folder(profile)
    first, again = data.prepare(profile), data.prepare(profile)
    assert calls == [(30, 2, 562)] and first.checksum == again.checksum
    assert first.folder == profile.folder / "photographs" and len(first.photographs) == 10


# Where sets lie


def test_a_set_lies_under_the_named_folder_or_is_it(voc, tmp_path, monkeypatch):
    assert data.folder(voc.profile()) == voc.folder
    (tmp_path / "sets").mkdir()
    voc.folder.rename(tmp_path / "sets" / "larxel")
    monkeypatch.setenv("MASKDET_DATA", str(tmp_path / "sets"))
    assert data.folder(voc.profile()) == tmp_path / "sets" / "larxel"
    monkeypatch.delenv("MASKDET_DATA")
    (tmp_path / "sets").rename(tmp_path / "data")
    monkeypatch.setattr(config, "ROOT", tmp_path)
    assert data.folder(voc.profile()) == tmp_path / "data" / "larxel"


@pytest.mark.parametrize("given", [True, False])
def test_a_missing_set_is_reported_with_the_remedy(tmp_path, monkeypatch, given):
    monkeypatch.setattr(config, "ROOT", tmp_path)
    monkeypatch.setenv("MASKDET_DATA", str(tmp_path / "given") if given else "")
    with pytest.raises(FileNotFoundError) as caught:
        data.folder(config.PROFILES["larxel"])
    message = str(caught.value)
    place = tmp_path / ("given" if given else "data") / "larxel"
    assert str(place) in message and "\n" not in message
    assert "make data PROFILE=larxel" in message and "MASKDET_DATA" in message


# Fetching


@pytest.fixture
def kaggle(tmp_path, monkeypatch):
    """A stand-in for Kaggle: what a download puts into the folder, or raises."""
    kagglehub = pytest.importorskip("kagglehub")
    monkeypatch.setattr(config, "ROOT", tmp_path)
    monkeypatch.delenv("MASKDET_DATA", raising=False)
    monkeypatch.setattr("kagglehub.config.get_kaggle_credentials", lambda: None)

    def install(contents, *, error=None):
        def dataset_download(handle, *, output_dir):
            part = tmp_path / "data" / output_dir
            for path in (*contents, ".complete"):
                (part / path).mkdir(parents=True)
            if error:
                raise error
            return output_dir

        monkeypatch.setattr(kagglehub, "dataset_download", dataset_download)

    return install


def test_a_set_is_fetched_once(kaggle, tmp_path, capsys):
    kaggle(["images", "annotations"])
    assert command.main(["larxel"]) == 0
    place = tmp_path / "data" / "larxel"
    assert sorted(path.name for path in place.iterdir()) == ["annotations", "images"]
    assert [path.name for path in place.parent.iterdir()] == ["larxel"]
    kaggle([], error=OSError("never asked"))
    assert data.fetch(config.PROFILES["larxel"]) == place


@pytest.mark.parametrize("contents", [[], ["images"]])
def test_an_incomplete_download_leaves_nothing(kaggle, tmp_path, contents):
    kaggle(contents)
    message = "^expected images and annotations in the download"
    with pytest.raises(download.DownloadError, match=message):
        data.fetch(config.PROFILES["larxel"])
    assert not list((tmp_path / "data").iterdir())


def test_a_failed_download_leaves_nothing_and_says_how_to_get_a_token(kaggle, tmp_path, capsys):
    kaggle(["images"], error=RuntimeError("403 Client Error.\n\nYou don't have permission"))
    assert command.main(["wobot"]) == 1
    message = capsys.readouterr().err
    assert message.startswith(f"error: expected {download.HANDLES['wobot']} from Kaggle, got 403")
    assert "403 Client Error. You don't" in message and message.count("\n") == 1
    assert "Create New Token" in message and "KAGGLE_API_TOKEN" in message
    assert not list((tmp_path / "data").iterdir())


def test_without_a_connection_the_token_is_not_blamed(kaggle, capsys):
    requests = pytest.importorskip("requests")
    kaggle([], error=requests.ConnectionError("a long story"))
    assert command.main(["larxel"]) == 1
    message = capsys.readouterr().err
    assert "got no connection to kaggle.com" in message and "token" not in message


def test_something_else_in_the_place_of_a_set_is_not_touched(kaggle, tmp_path, capsys):
    kaggle(["images", "annotations"])
    (tmp_path / "data" / "larxel" / "mine").mkdir(parents=True)
    assert command.main(["larxel"]) == 1
    assert "delete it" in capsys.readouterr().err
    assert (tmp_path / "data" / "larxel" / "mine").exists()


@pytest.mark.parametrize("name", ["demo", "smoke"])
def test_drawn_profiles_need_no_download(name, capsys):
    assert command.main([name]) == 0
    assert f"{name} needs no download" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["nowhere"], ["larxel", "wobot"]])
def test_a_wrong_profile_is_answered_in_one_line(arguments, capsys):
    assert command.main(arguments) == 1
    message = capsys.readouterr().err
    assert message.startswith("error: expected") and message.count("\n") == 1


def test_the_command_line_shows_no_traceback():
    run = subprocess.run([sys.executable, "-m", "maskdet.data", "nowhere"], capture_output=True,
                         text=True, check=False, cwd=config.ROOT)
    assert run.returncode == 1 and run.stdout == ""
    assert run.stderr.startswith("error: expected a profile") and run.stderr.count("\n") == 1


def test_reading_photographs_loads_no_tensorflow():
    code = "import sys, maskdet.data; sys.exit('tensorflow' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], check=False, cwd=config.ROOT)
    assert run.returncode == 0
