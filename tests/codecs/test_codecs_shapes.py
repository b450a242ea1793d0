"""Shapes: meshes become voxels, and voxels closed meshes."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from ganforge.codecs.shape.mesh import glb, voxels
from ganforge.core.errors import DataError
from ganforge.data import load
from ganforge.data.voxels import solid
from tests.conftest import Call

trimesh = pytest.importorskip("trimesh")
pytest.importorskip("skimage")


def chair() -> np.ndarray:
    """A seat, a back and a leg, ``(1, 16, 16, 16)``: no two of its sides are alike."""
    whole = np.zeros((1, 16, 16, 16), np.uint8)
    whole[0, 2:14, 8:10, 2:14] = 255
    whole[0, 11:14, 0:8, 2:14] = 255
    whole[0, 2:5, 10:16, 2:5] = 255
    return whole


def opened(content: bytes):
    return trimesh.load(io.BytesIO(content), file_type="glb", force="mesh")


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Intersection over union."""
    return float((one & other).sum() / (one | other).sum())


def test_a_shape_comes_back_from_its_mesh_and_the_same_way_round():
    mesh = opened(glb(chair()))
    assert mesh.is_watertight
    assert mesh.volume == pytest.approx((chair() > 0).sum(), rel=0.1)
    again, closed = voxels(io.BytesIO(glb(chair())), ".glb", 16)
    assert closed
    full = chair()[0] > 0
    best = overlap(again > 0, full)
    turned = [overlap(again > 0, np.flip(full, axis)) for axis in (0, 1, 2)]
    assert best > 0.55
    assert best > max(turned) + 0.05


def test_noise_and_nothing_are_closed_or_empty():
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (1, 8, 9, 7), dtype=np.uint8)
    assert opened(glb(noise)).is_watertight
    assert glb(noise) == glb(noise.copy())
    assert glb(np.zeros((1, 4, 4, 4), np.uint8))[:4] == b"glTF"


def test_colours_are_those_of_the_voxels():
    cube = np.zeros((4, 8, 8, 8), np.uint8)
    cube[:, 2:6, 2:6, 2:6] = np.array([200, 30, 60, 255], np.uint8)[:, None, None, None]
    assert (solid(cube) > 0).sum() == 64
    seen = np.asarray(opened(glb(cube)).visual.vertex_colors)
    assert np.median(seen[:, 0]) == 200
    assert np.median(seen[:, 1]) == 30


@pytest.mark.parametrize("form", ["obj", "stl", "ply", "glb", "off"])
def test_a_ball_of_every_format_fills_the_cube(form: str):
    written = trimesh.creation.icosphere(radius=7).export(file_type=form)
    found, closed = voxels(
        io.BytesIO(written.encode() if isinstance(written, str) else written), f".{form}", 16
    )
    assert closed
    assert (found > 0).sum() / 16**3 == pytest.approx(np.pi / 6, abs=0.06)


def folder_of(place: Path, n: int = 40) -> Path:
    for i in range(n):
        kind = place / ("ball" if i % 2 else "box")
        kind.mkdir(parents=True, exist_ok=True)
        if i % 2:
            mesh = trimesh.creation.icosphere(subdivisions=2).apply_scale((1, 0.4 + 0.01 * i, 1))
        else:
            mesh = trimesh.creation.box((1, 0.4 + 0.01 * i, 2))
        mesh.export(kind / f"{i:02d}.obj")
    return place


def test_a_folder_of_meshes_is_read_and_bad_ones_are_named(gan: Call, tmp_path: Path):
    folder = folder_of(tmp_path / "models", 42)
    (folder / "ball" / "empty.obj").write_bytes(b"")
    (folder / "ball" / "picture.obj").write_bytes(bytes(range(128, 256)) * 4)
    (folder / "ball" / "words.ply").write_text("no mesh at all")
    (folder / "ball" / "photo.png").write_bytes(b"\x89PNG")
    whole = trimesh.creation.icosphere()
    whole.update_faces(np.arange(len(whole.faces)) > 40)
    whole.export(folder / "ball" / "holes.stl")
    done = gan("data", "models", "--size", "16")
    assert done.code == 0, done.err
    said = done.said
    assert "43 shapes, 3 skipped · 16×16×16 voxels, 1 channel · 2 classes" in said
    assert "skipped: ball/empty.obj: empty (0 bytes)" in said
    assert "skipped: ball/picture.obj: not a mesh: no text, as .obj files are" in said
    assert "skipped: ball/words.ply: damaged" in said
    assert "not read: 1 .png" in said
    assert "1 meshes have holes, so that perhaps only their surface is filled: ball/holes.stl" in said


def test_a_side_that_is_none_is_refused(tmp_path: Path):
    folder = folder_of(tmp_path / "models", 4)
    with pytest.raises(DataError, match="one side of a cube, from 8 to 128"):
        load(folder, size=(16, 32), cache=tmp_path / "cache")
    found = load(folder, size=12, cache=tmp_path / "cache")
    assert found.space.shape == (1, 12, 12, 12)
    assert found.space.codec.suffix == ".glb"
    assert opened(found.space.codec.file(found.train.values[0])).is_watertight


def test_arrays_of_voxels_come_to_a_smaller_side_and_empty_ones_are_named(tmp_path: Path):
    cache = tmp_path / "cache"
    whole = np.zeros((12, 4, 16, 16, 16), np.uint8)
    for i in range(11):  # a red plate of one voxel's thickness, and a green one of two
        whole[i, 0, :, 3, : i + 4] = whole[i, 3, :, 3, : i + 4] = 255
        whole[i, 1, :, 10:12, :] = whole[i, 3, :, 10:12, :] = 255
    path = tmp_path / "shapes.npy"
    np.save(path, whole.transpose(0, 2, 3, 4, 1))
    data = load(path, size=8, cache=cache, held_out=0)
    assert data.space.shape == (4, 8, 8, 8)
    assert [(file.name, file.reason, file.bad) for file in data.scan.skipped] == [
        ("shape 11", "empty", False)
    ]
    assert any("16 voxels a side are brought to 8" in note for note in data.scan.notes)
    for one in np.asarray(data.train.values):
        assert set(np.unique(one)) == {0, 255}
        assert (one[3, :, 1] == one[0, :, 1]).all()
        assert one[3, :, 1].any()
        assert (one[1, :, 5] == 255).all()
        assert not one[:3][:, one[3] == 0].any()
    assert data.space.codec.reread() == {"size": (8, 8)}
    with pytest.raises(DataError, match="can be 8, 16, one side"):
        load(path, size=12, cache=cache)
    np.save(path, np.zeros((12, 8, 8, 8, 4), np.uint8))
    with pytest.raises(DataError, match="12 of 12 shapes are empty"):
        load(path, cache=cache)
