"""The layout of the preprint's set: JSON annotations and the table beside them."""

import pytest

from maskdet import config, data
from small_sets import NO_NUMBERS, WOBOT, rows, skipped


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


@pytest.fixture
def listed(monkeypatch, tmp_path):
    """Writes the list of the photographs that profile `tenth` takes."""
    monkeypatch.setattr(config, "RECORDED", tmp_path / "results")
    (tmp_path / "results").mkdir()
    return lambda *stems: (tmp_path / "results/wobot-photographs.txt").write_text("\n".join(stems) + "\n")


def test_of_the_whole_set_the_listed_photographs_are_those_of_the_record(wobot, listed):
    tenth = config.PROFILES["tenth"]
    assert tenth.set == "wobot" and tenth.layout == config.PROFILES["wobot"].layout
    listed(*(f"p{number:02}" for number in range(10)))
    part = data.prepare(tenth)
    for number in range(5):  # of the whole set, which is larger, and has faults of its own
        wobot.photograph(f"more{number}.png")
    wobot.table(["more1.png,1,2,3", "gone.png,2,2,12,14,hat"])
    whole = data.prepare(tenth)
    assert whole.photographs.equals(part.photographs) and whole.boxes.equals(part.boxes)
    assert not skipped(whole)
    assert len(wobot.prepare().photographs) == 15


def test_a_listed_photograph_that_is_not_there_is_counted_and_a_missing_list_is_named(wobot, listed):
    with pytest.raises(FileNotFoundError, match="expected a list of photographs at .*wobot-photographs.txt, got no"):
        data.prepare(config.PROFILES["tenth"])
    listed(*(f"p{number:02}" for number in range(10)), "p99")
    dataset = data.prepare(config.PROFILES["tenth"])
    assert len(dataset.photographs) == 10
    assert skipped(dataset) == [("p99", "listed photograph left out: it is not there")]
