"""Keypoint files: what they say, and every way in which one can be broken."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recapbench.data.keypoint_table import Poses
from recapbench.data.keypoints import HEAD, read_keypoints, read_names
from recapbench.data.skeleton import JOINTS
from recapbench.errors import DataError
from recapbench.provenance import sha256_bytes

Y = list(range(18))
X = list(range(100, 118))
ROWS = [f"000{i}_c1s1_00045{i}_03.jpg: {Y}: {X}" for i in range(4)]


def csv(rows: list[str], head: str = HEAD) -> str:
    return "\n".join([head, *rows]) + "\n"


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str | bytes], Path]:
    def to_file(text: str | bytes) -> Path:
        path = tmp_path / "poses.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return to_file


def test_a_csv_is_y_before_x_and_minus_one_is_missing(write: Callable[..., Path]) -> None:
    half = [-1, *Y[1:]]
    path = write(csv([ROWS[0], f"b.jpg: {half}: {X}", f"a.jpg: {[-1] * 18}: {[-1] * 18}"]))
    found = read_keypoints(path)
    assert found.names == ("0000_c1s1_000450_03.jpg", "b.jpg", "a.jpg")
    assert found.keypoints.dtype == np.float32
    assert found.keypoints.shape == (3, 18, 3)
    assert found.keypoints[0].tolist() == [[x, y, 2] for x, y in zip(X, Y, strict=True)]
    assert found.keypoints[1, 0].tolist() == [0, 0, 0]
    assert found.keypoints[1, 1:, 2].tolist() == [2] * 17
    assert not found.keypoints[2].any()
    assert found.sha256 == sha256_bytes(path.read_bytes())
    assert not found.keypoints.flags.writeable


def test_fractions_line_ends_and_a_missing_last_end_are_read(write: Callable[..., Path]) -> None:
    fractions = [0.5, -1.0, *Y[2:]]
    path = write(csv([f"a.jpg: {fractions}: {X}"]).replace("\n", "\r\n").rstrip())
    found = read_keypoints(path)
    assert found.keypoints[0, :2].tolist() == [[100, 0.5, 2], [0, 0, 0]]


BROKEN = [
    ("", "the file is empty"),
    ("\n\n", "the file is empty"),
    (HEAD, "got none"),
    (csv(ROWS, "name,keypoints_y,keypoints_x"), "row 0: expected the head"),
    (csv(ROWS, "name:keypoints_x:keypoints_y"), "row 0: expected the head"),
    (csv(ROWS, "\ufeff" + HEAD), "row 0: expected the head"),
    (csv([*ROWS, "b.jpg"]), "row 5: expected 'name:keypoints_y:keypoints_x'"),
    (csv([*ROWS, f"b.jpg: {Y}"]), "row 5: expected 'name:"),
    (csv([*ROWS, f"b.jpg: {Y}: {X}: {X}"]), "row 5: expected 'name:"),
    (csv([ROWS[0], "", ROWS[1]]), "row 2: expected 'name:"),
    (csv([ROWS[0], f"b.jpg: {Y[:17]}: {X}"]), "row 2: expected 18 numbers as keypoints_y, got 17"),
    (csv([ROWS[0], f"b.jpg: {Y}: {[*X, 1]}"]), "row 2: expected 18 numbers as keypoints_x, got 19"),
    (csv([ROWS[0], f"b.jpg: {Y}: 3"]), "row 2: expected 18 numbers as keypoints_x, got no list"),
    (csv([ROWS[0], f"b.jpg: {Y}: {X}"[:-9]]), "row 2: expected keypoints_x as a list in JSON"),
    (csv([f"b.jpg: {Y}: {X}".replace("117", "x")]), "row 1: expected keypoints_x as a list"),
    (csv([f"b.jpg: {Y}: {X}".replace("117", '"7"')]), "row 1: expected 18 numbers as keypoints_x"),
    (csv([f"b.jpg: {Y}: {X}".replace("117", "true")]), "row 1: expected 18 numbers"),
    (csv([f"b.jpg: {Y}: {X}".replace("117", "null")]), "row 1: expected 18 numbers"),
    (csv([f"b.jpg: {Y}: {X}".replace("117", "[1]")]), "row 1: expected 18 numbers"),
    (csv([f"b.jpg: {Y}: {X}".replace("117", "NaN")]), "row 1: 'b.jpg': expected keypoints_x"),
    (csv([f"b.jpg: {Y}: {X}".replace("117", "Infinity")]), "got inf for joint 17"),
    (csv([f"b.jpg: {Y}: {X}".replace("117", "-Infinity")]), "got -inf for joint 17"),
    (csv([f"b.jpg: {Y}: {X}".replace("117", "1e999")]), "got inf for joint 17"),
    (csv([f"b.jpg: {Y}: {X}".replace("117", "9" * 400)]), "got inf for joint 17"),
    (csv([f"b.jpg: {Y}: {X}".replace("117", "100000")]), "got 100000.0 for joint 17"),
    (csv([*ROWS, f"b.jpg: {[-7, *Y[1:]]}: {X}"]), "row 5: 'b.jpg': expected keypoints_y of -1 or"),
    (csv([f"b.jpg: {'[' * 100_000}: {X}"]), "row 1: "),
    (csv([*ROWS, ROWS[1]]), "row 5: '0001_c1s1_000451_03.jpg' is named in row 2 already"),
    (csv([*ROWS, f"../b.jpg: {Y}: {X}"]), "row 5: '../b.jpg' cannot be the name"),
    (csv([*ROWS, f"/b.jpg: {Y}: {X}"]), "row 5: '/b.jpg' cannot be the name"),
    (csv([*ROWS, f"a\\b.jpg: {Y}: {X}"]), "row 5: .* cannot be the name"),
    (csv([*ROWS, f"a\tb.jpg: {Y}: {X}"]), "row 5: .* cannot be the name"),
    (csv([*ROWS, f": {Y}: {X}"]), "row 5: '' cannot be the name"),
    (csv(ROWS).encode("utf-16"), "line 1: expected UTF-8"),
    (csv(ROWS).encode() + b"\xff", "line 6: expected UTF-8"),
    (b"\x89PNG\r\n\x1a\n\x00", "line 1: expected UTF-8"),
]


@pytest.mark.parametrize(("text", "message"), BROKEN)
def test_broken_csvs_are_named(write: Callable[..., Path], text: str | bytes, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read_keypoints(write(text))
    assert "poses.csv" in str(caught.value)
    assert len(str(caught.value)) < 1000


def test_absent_files_are_named(tmp_path: Path) -> None:
    for read in (read_keypoints, read_names):
        with pytest.raises(DataError, match=r"none\.csv: No such file"):
            read(tmp_path / "none.csv")


def read_text(text: bytes, name: str = "poses.csv") -> Poses:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(text)
        return read_keypoints(path)


VALUES = st.one_of(
    st.integers(-3, 300),
    st.floats(allow_nan=True),
    st.sampled_from(["", "x", "null", "[]", "-", "1_0", "0x1", "1e400"]),
)


@given(
    st.lists(st.tuples(st.lists(VALUES, max_size=20), st.lists(VALUES, max_size=20)), max_size=4)
)
def test_any_rows_are_poses_or_a_data_error(rows: list[tuple[list[Any], list[Any]]]) -> None:
    lines = [
        f"{i}.jpg: [{', '.join(map(str, y))}]: [{', '.join(map(str, x))}]"
        for i, (y, x) in enumerate(rows)
    ]
    try:
        found = read_text(csv(lines).encode())
    except DataError as error:
        assert "poses.csv" in str(error)  # noqa: PT017
        return
    assert len(found) == len(rows)
    assert np.isfinite(found.keypoints).all()
    for pose, (y, x) in zip(found.keypoints, rows, strict=True):
        assert len(y) == len(x) == 18
        for joint in range(18):
            missing = y[joint] == -1 or x[joint] == -1
            expected = [0, 0, 0] if missing else [np.float32(x[joint]), np.float32(y[joint]), 2]
            assert pose[joint].tolist() == expected


@given(st.binary(max_size=200))
def test_any_bytes_are_poses_or_a_data_error(data: bytes) -> None:
    for name in ("poses.csv", "a_keypoints.json", "coco.json"):
        with pytest.raises(DataError, match=name.replace(".", r"\.")):
            read_text(data, name)


@given(st.integers(0, len(csv(ROWS))), st.binary(max_size=3))
def test_a_damaged_csv_is_never_read_half(place: int, damage: bytes) -> None:
    whole = csv(ROWS).encode()
    try:
        found = read_text(whole[:place] + damage + whole[place + len(damage) :])
    except DataError:
        return
    assert len(found) == len(ROWS)
    assert np.isfinite(found.keypoints).all()


def test_a_bare_list(write: Callable[..., Path]) -> None:
    assert read_names(write("b.jpg\na.jpg\n")) == ("b.jpg", "a.jpg")
    assert read_names(write("b.jpg\r\na.jpg")) == ("b.jpg", "a.jpg")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("a.jpg\n\nb.jpg\n", "row 2: '' cannot be"),
        ("a.jpg\nb.jpg\na.jpg\n", "row 3: 'a.jpg' is named in row 1 already"),
        ("a.jpg\n../b.jpg\n", "row 2: '../b.jpg' cannot be"),
        ("a.jpg\n/b.jpg\n", "row 2: '/b.jpg' cannot be"),
        ("a.jpg\nb,c.jpg\n", "row 2: 'b,c.jpg' cannot be"),
        (b"a.jpg\n\xe9.jpg\n", "line 2: expected UTF-8"),
    ],
)
def test_broken_lists_are_named(
    write: Callable[..., Path], text: str | bytes, message: str
) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read_names(write(text))
    assert "poses.csv" in str(caught.value)


def openpose(*people: list[float]) -> str:
    return json.dumps({"version": 1.3, "people": [{"pose_keypoints_2d": p} for p in people]})


def flat(count: int, confidence: float, shift: float = 0.0) -> list[float]:
    return [value for i in range(count) for value in (i + shift, 2.0 * i, confidence)]


def test_openpose_takes_the_most_confident_person(tmp_path: Path) -> None:
    path = tmp_path / "0002_c1s1_000451_03_keypoints.json"
    path.write_text(openpose(flat(18, 0.3), flat(18, 0.6, 100), flat(18, 0.5, 200), []))
    found = read_keypoints(path)
    assert found.names == ("0002_c1s1_000451_03.jpg",)
    assert found.keypoints[0].tolist() == [[i + 100, 2 * i, 2] for i in range(18)]
    assert found.sha256 == sha256_bytes(path.read_bytes())


def test_openpose_has_two_models(tmp_path: Path) -> None:
    path = tmp_path / "a_keypoints.json"
    path.write_text(openpose(flat(25, 1.0)))
    names = "Nose Neck RShoulder RElbow RWrist LShoulder LElbow LWrist MidHip RHip RKnee RAnkle "
    names += "LHip LKnee LAnkle REye LEye REar LEar"
    places = {name: place for place, name in enumerate(names.split())}
    long = {"R": "right_", "L": "left_"}
    ours = {
        long[name[0]] + name[1:].lower()
        if name not in ("Nose", "Neck", "MidHip")
        else name.lower(): place
        for name, place in places.items()
    }
    found = read_keypoints(path).keypoints[0]
    assert found[:, 0].tolist() == [ours[joint] for joint in JOINTS]


def test_openpose_without_persons_or_joints(tmp_path: Path) -> None:
    (tmp_path / "a_keypoints.json").write_text(openpose())
    (tmp_path / "b_keypoints.json").write_text(openpose([0.0] * 54))
    (tmp_path / "notes.txt").write_text("not of OpenPose")
    found = read_keypoints(tmp_path)
    assert found.names == ("a.jpg", "b.jpg")
    assert not found.keypoints.any()


def test_openpose_folders_keep_their_tree_and_order(tmp_path: Path) -> None:
    for name in ("WOMEN/Dresses/id_00000001/02_2_side", "MEN/Denim/id_00000080/01_1_front", "b"):
        path = tmp_path / f"{name}_keypoints.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(openpose(flat(18, 1.0)))
    found = read_keypoints(tmp_path)
    assert found.names == (
        "MEN/Denim/id_00000080/01_1_front.jpg",
        "WOMEN/Dresses/id_00000001/02_2_side.jpg",
        "b.jpg",
    )
    before = found.sha256
    (tmp_path / "b_keypoints.json").write_text(openpose(flat(18, 0.9)))
    assert read_keypoints(tmp_path).sha256 != before


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON"),
        ("[]", "expected a JSON object, got a list"),
        ("[" * 100_000, "not JSON"),
        ('{"a": 1}', "expected OpenPose's JSON"),
        ('{"people": 3}', "expected 'people' to be a list"),
        ('{"people": [3]}', r"people\[0\]: expected an object"),
        ('{"people": [{}]}', r"people\[0\]\.pose_keypoints_2d: expected 54 or 75 numbers"),
        (openpose(flat(17, 1.0)), "expected 54 or 75 numbers .* got 51"),
        (openpose([*flat(17, 1.0), 1.0, 1.0, float("nan")]), "for joint 17"),
        (openpose([*flat(17, 1.0), float("inf"), 1.0, 1.0]), "for joint 17"),
        (openpose([*flat(17, 1.0), 1e6, 1.0, 1.0]), "for joint 17"),
        (openpose([*flat(17, 1.0), -9.0, 1.0, 1.0]), "for joint 17"),
        (openpose([*flat(17, 1.0), 1.0, 1.0, "1"]), "expected 54 or 75 numbers"),  # type: ignore[list-item]
        (openpose([*flat(17, 1.0), 1.0, 1.0, 10**400]), "too large"),
    ],
)
def test_broken_openpose_files_are_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "a_keypoints.json"
    path.write_text(text)
    with pytest.raises(DataError, match=message) as caught:
        read_keypoints(path)
    assert str(path) in str(caught.value)
    if '"a"' not in text:
        with pytest.raises(DataError, match=message):
            read_keypoints(tmp_path)


def test_folders_without_openpose_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected files of OpenPose"):
        read_keypoints(tmp_path)


def test_openpose_files_need_their_suffix(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(openpose(flat(18, 1.0)))
    with pytest.raises(DataError, match="to be called NAME_keypoints"):
        read_keypoints(tmp_path / "a.json")


def coco(*annotations: dict[str, Any], images: Any = None) -> dict[str, Any]:
    images = images or [{"id": 7, "file_name": "a.jpg"}, {"id": 3, "file_name": "b.jpg"}]
    return {"images": images, "annotations": list(annotations), "categories": []}


def body(image: Any = 7, confidence: float = 2, **more: Any) -> dict[str, Any]:
    return {"image_id": image, "keypoints": flat(17, confidence), **more}


def read_coco(document: dict[str, Any], tmp_path: Path) -> Poses:
    path = tmp_path / "person_keypoints.json"
    path.write_text(json.dumps(document))
    return read_keypoints(path)


def test_coco_is_reordered_and_gets_a_neck(tmp_path: Path) -> None:
    found = read_coco(coco(body(3)), tmp_path)
    assert found.names == ("a.jpg", "b.jpg")
    assert not found.keypoints[0].any()
    names = "nose left_eye right_eye left_ear right_ear left_shoulder right_shoulder left_elbow "
    names += "right_elbow left_wrist right_wrist left_hip right_hip left_knee right_knee "
    names += "left_ankle right_ankle"
    places: dict[str, float] = {name: place for place, name in enumerate(names.split())}
    places["neck"] = 5.5
    assert found.keypoints[1, :, 0].tolist() == [places[joint] for joint in JOINTS]
    assert found.keypoints[1, :, 1].tolist() == [2 * places[joint] for joint in JOINTS]
    assert (found.keypoints[1, :, 2] == 2).all()


def test_coco_has_no_neck_without_both_shoulders(tmp_path: Path) -> None:
    one = body(3)
    one["keypoints"][3 * 5 : 3 * 6] = [0, 0, 0]
    hidden = body(7)
    hidden["keypoints"][3 * 5 + 2] = 1
    found = read_coco(coco(one, hidden), tmp_path).keypoints
    neck, left = JOINTS.index("neck"), JOINTS.index("left_shoulder")
    assert found[1, neck].tolist() == found[1, left].tolist() == [0, 0, 0]
    assert found[0, neck, 2] == found[0, left, 2] == 2


def test_coco_takes_the_best_person(tmp_path: Path) -> None:
    far = body(7, score=0.9)
    far["keypoints"] = flat(17, 2, 50)
    found = read_coco(coco(body(7, score=0.1), far, body(7, score=0.5)), tmp_path)
    assert found.keypoints[0, 0].tolist() == [50, 0, 2]


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (coco(body(9)), r"annotations\[0\]: no image has the id 9"),
        (coco(body([1])), r"annotations\[0\]: no image has the id"),
        (coco({"image_id": 7}), r"annotations\[0\]\.keypoints: expected 51 numbers"),
        (coco(body(), {"image_id": 7, "keypoints": flat(18, 2)}), r"annotations\[1\].*got 54"),
        (coco(body(score="x")), "expected 'score' to be a number"),
        (coco(body(score=10**400)), "expected 'score' to be a number"),
        (coco(images=[{"id": 1, "file_name": "a.jpg"}] * 2), "the id 1 comes twice"),
        (
            coco(images=[{"id": i, "file_name": "a.jpg"} for i in range(2)]),
            "row 2: 'a.jpg' is named in row 1 already",
        ),
        (coco(images=[{"id": 1, "file_name": "../a.jpg"}]), "row 1: '../a.jpg' cannot be"),
        (coco(images=[{"id": 1}]), r"images\[0\]: expected an 'id' and a 'file_name'"),
        (coco(images=[{"id": None, "file_name": "a.jpg"}]), "expected an 'id'"),
        ({"images": [], "annotations": []}, "'images' is empty"),
        ({"images": 1, "annotations": []}, "expected 'images' to be a list"),
    ],
)
def test_broken_coco_files_are_named(
    tmp_path: Path, document: dict[str, Any], message: str
) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read_coco(document, tmp_path)
    assert "person_keypoints.json" in str(caught.value)
