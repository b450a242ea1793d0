"""Extractors: names, caches, foreign weights, and what their distances notice."""

from __future__ import annotations

import hashlib
import io
import math
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from ganforge.core.errors import DataError, MachineError
from ganforge.metrics.arrays import shrunk
from ganforge.metrics.features import Extractor, colour, learned, module_extractor, raw, standardised
from ganforge.metrics.foreign import (
    mobilenet_v2,
    mobilenet_v2_logits,
    same_padding,
    squeezenet,
    squeezenet_logits,
)
from ganforge.metrics.inception import (
    STANDARD_FILE,
    fetch_standard,
    inception,
    inception_features,
    inception_shapes,
)
from ganforge.metrics.kernel import kernel_distance


def test_raw_is_the_numbers_in_float64():
    assert raw()(np.array([[1.5, -2.0]])).tolist() == [[1.5, -2.0]]
    bytes_ = np.array([0, 255], dtype=np.uint8).reshape(1, 1, 1, 2)
    assert raw()(bytes_).tolist() == [[-1.0, 1.0]]
    assert raw()(bytes_).dtype == np.float64


def test_standardised_points_have_mean_0_and_deviation_1(chance):
    x = chance.standard_normal((500, 3)) * [1.0, 1000.0, 0.0] + [0.0, 5e4, 7.0]
    found = standardised(x)(x)
    np.testing.assert_allclose(found.mean(0), 0.0, atol=1e-9)
    np.testing.assert_allclose(found.std(0), [1.0, 1.0, 0.0], atol=1e-9)


def test_only_the_standard_inception_gives_a_fid():
    assert raw().frechet_name == "Fréchet distance (raw)"
    assert raw().kernel_name == "kernel distance (raw)"
    standard = Extractor("inception-v3", lambda x: x, standard=True)
    assert (standard.frechet_name, standard.kernel_name) == ("FID", "KID")


def test_features_do_not_depend_on_the_batch(chance):
    layer = torch.nn.Conv2d(3, 7, 3)
    x = chance.integers(0, 255, (13, 1, 10, 12)).astype(np.uint8)
    whole = module_extractor(layer, "mine", side=8)(x)
    assert whole.shape == (13, 7)
    np.testing.assert_allclose(
        module_extractor(layer, "mine", side=8, batch=3)(x), whole, rtol=1e-4, atol=1e-6
    )


def test_a_module_without_a_side_reads_any_shape(chance):
    found = module_extractor(torch.nn.Flatten(), "flat")(chance.standard_normal((5, 2, 9)).astype(np.float32))
    assert found.shape == (5, 18)


def test_not_finite_features_are_refused():
    broken = Extractor("broken", lambda x: x / 0.0)
    with pytest.raises(DataError, match="broken gave features that are not finite"):
        broken(torch.ones(3, 2))


def test_colour_of_every_mode():
    grey = colour(torch.full((1, 1, 2, 2), 9, dtype=torch.uint8))
    assert grey.shape == (1, 3, 2, 2)
    assert grey.unique().tolist() == [9.0]
    clear = torch.tensor([10, 20, 30, 0], dtype=torch.uint8).view(1, 4, 1, 1)
    assert colour(clear).flatten().tolist() == [128.0, 128.0, 128.0]
    solid = torch.tensor([10, 255], dtype=torch.uint8).view(1, 2, 1, 1)
    assert colour(solid).flatten().tolist() == [10.0, 10.0, 10.0]
    with pytest.raises(DataError, match="of bytes"):
        colour(torch.zeros(1, 3, 2, 2))


def test_shrunk_averages_and_leaves_small_ones_alone():
    x = torch.arange(16.0).view(1, 1, 4, 4)
    assert shrunk(x, 4) is x
    assert shrunk(x, 2).flatten().tolist() == [2.5, 4.5, 10.5, 12.5]
    assert shrunk(torch.zeros(1, 1, 100), 5).shape == (1, 1, 25)
    assert shrunk(torch.zeros(3, 100), 5).shape == (3, 100)


@pytest.fixture(scope="module")
def by_class(digits):
    return learned(digits.training, digits.training_labels, kimg=12)


@pytest.fixture(scope="module")
def by_groups(digits):
    return learned(digits.training, kimg=12)


@pytest.mark.parametrize("which", ["by_class", "by_groups"])
def test_learned_features_notice_blur_and_a_missing_digit(which, digits, request):
    extractor = request.getfixturevalue(which)
    real = extractor(digits.held_out)

    def distance(pictures):
        return kernel_distance(extractor(pictures), real).value

    floor = abs(distance(digits.training[:400]))
    soft = (digits.fresh // 2 + np.roll(digits.fresh, 1, 3) // 4 + np.roll(digits.fresh, 1, 2) // 4).astype(
        np.uint8
    )
    missing = digits.fresh[digits.fresh_labels > 2]
    assert distance(soft) > max(3 * floor, 0.05)
    assert distance(missing) > max(3 * floor, 0.05)
    assert distance(digits.fresh) < max(3 * floor, 0.05)


def test_a_cached_extractor_is_the_same_one(digits, tmp_path):
    first = learned(digits.training, digits.training_labels, kimg=1, cache=tmp_path / "cache")
    (file,) = (tmp_path / "cache").iterdir()
    stamp = file.stat().st_mtime_ns
    again = learned(digits.training, digits.training_labels, kimg=1, cache=tmp_path / "cache")
    assert file.stat().st_mtime_ns == stamp
    assert again.name == first.name
    np.testing.assert_array_equal(again(digits.fresh), first(digits.fresh))
    other = learned(digits.training[::-1], digits.training_labels, kimg=1, cache=tmp_path / "cache")
    assert other.name != first.name


@pytest.mark.parametrize("damage", [b"", b"\x80\x04cos\nsystem\n", b"\xff" * 64])
def test_a_damaged_cache_is_trained_anew(digits, tmp_path, damage):
    first = learned(digits.training[:100], kimg=0.5, cache=tmp_path)
    (file,) = tmp_path.iterdir()
    file.write_bytes(damage)
    np.testing.assert_array_equal(
        learned(digits.training[:100], kimg=0.5, cache=tmp_path)(digits.fresh), first(digits.fresh)
    )
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("shape", [(3,), (1, 50), (2, 80, 70), (1, 5, 6, 7), (3, 65, 10)])
def test_every_kind_of_example_can_be_learned(chance, shape):
    x = chance.standard_normal((30, *shape)).astype(np.float32)
    for labels in (None, np.arange(30) % 2):
        extractor = learned(x, labels, kimg=0.1)
        assert extractor(x).shape == (30, 64)


def test_large_pictures_are_shrunk_and_the_protocol_says_so(chance, tmp_path):
    x = chance.integers(0, 255, (12, 3, 70, 90)).astype(np.uint8)
    for labels in (None, np.arange(12) % 2):
        extractor = learned(x, labels, kimg=0.1, cache=tmp_path)
        assert extractor.resize == "averaged to 64"
        np.testing.assert_array_equal(learned(x, labels, kimg=0.1, cache=tmp_path)(x), extractor(x))
    assert len(list(tmp_path.iterdir())) == 2


def daisies(shared_data, n):
    with zipfile.ZipFile(shared_data / "flowers128_1k.zip") as archive:
        names = sorted(name for name in archive.namelist() if "daisy" in name and name.endswith(".jpg"))[:n]
        pictures = [np.asarray(Image.open(io.BytesIO(archive.read(name))).convert("RGB")) for name in names]
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).contiguous()


def test_foreign_weights_know_a_daisy(shared_data):
    x, weights = daisies(shared_data, 12), shared_data / "weights"
    names = (weights / "imagenet_labels.txt").read_text().splitlines()
    daisy = names.index("daisy")
    told = mobilenet_v2_logits(weights / "mobilenet_v2_quant.npz", x)
    assert told.shape == (12, 1001)
    assert (told.argmax(1) == daisy).float().mean() >= 0.7
    told = squeezenet_logits(weights / "squeezenet_v1.0_dc.npz", x)
    assert (told.argmax(1) == daisy - 1).float().mean() >= 0.7


def test_the_odd_pixel_of_padding_is_after():
    # (size, kernel, stride): TensorFlow's SAME gives ⌈size / stride⌉ outputs.
    assert same_padding(224, 3, 2) == (0, 1)
    assert same_padding(7, 3, 2) == (1, 1)
    assert same_padding(112, 3, 1) == (1, 1)
    assert same_padding(7, 1, 1) == (0, 0)


def test_foreign_features_have_their_names_and_sizes(shared_data):
    x, weights = daisies(shared_data, 3), shared_data / "weights"
    for extractor, name, size in (
        (mobilenet_v2(weights / "mobilenet_v2_quant.npz"), "Fréchet distance (mobilenet-v2)", 1280),
        (squeezenet(weights / "squeezenet_v1.0_dc.npz"), "Fréchet distance (squeezenet)", 512),
    ):
        assert extractor(x).shape == (3, size)
        assert extractor.frechet_name == name
        np.testing.assert_allclose(extractor(x[1:2]), extractor(x)[1:2], rtol=1e-3, atol=1e-4)


def test_foreign_files_that_are_not_weights_have_an_answer(tmp_path):
    with pytest.raises(DataError, match="no file of weights"):
        mobilenet_v2(tmp_path / "absent.npz")
    (tmp_path / "text.npz").write_text("hello")
    with pytest.raises(DataError, match="no npz archive"):
        squeezenet(tmp_path / "text.npz")
    np.savez(tmp_path / "hostile.npz", meta=np.array([{"a": 1}], dtype=object))
    with pytest.raises(DataError, match="plain arrays"):
        mobilenet_v2(tmp_path / "hostile.npz")
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    for loader in (mobilenet_v2, squeezenet):
        with pytest.raises(DataError, match="is no"):
            loader(tmp_path / "other.npz")


def random_inception():
    draw = torch.Generator().manual_seed(0)
    weights = {}
    for name, shape in inception_shapes().items():
        weights[f"{name}.conv.weight"] = torch.randn(shape, generator=draw) * math.sqrt(
            2 / math.prod(shape[1:])
        )
        for part, value in (("weight", 1.0), ("bias", 0.0), ("running_mean", 0.0), ("running_var", 1.0)):
            weights[f"{name}.bn.{part}"] = torch.full(shape[:1], value)
    return weights


def test_inception_has_the_papers_number_of_parameters():
    # Of the 23,834,568 of the network with 1,000 classes, 2,049,000 are the classifier's.
    total = sum(math.prod(shape) + 2 * shape[0] for shape in inception_shapes().values())
    assert total == 23_834_568 - 2_049_000


def test_inception_runs_and_unknown_weights_give_no_fid(tmp_path, chance):
    weights = random_inception()
    save_file(weights, tmp_path / "mine.safetensors")
    extractor = inception(tmp_path / "mine.safetensors")
    assert (extractor.frechet_name, extractor.standard) == ("Fréchet distance (inception-v3)", False)
    x = chance.integers(0, 255, (1, 3, 32, 32)).astype(np.uint8)
    features = extractor(x)
    assert features.shape == (1, 2048)
    assert 0 < features.std() < 100
    with torch.inference_mode():
        twice = inception_features(weights, torch.zeros(2, 3, 299, 299))
    torch.testing.assert_close(twice[0], twice[1])


def test_an_inception_file_with_a_part_missing_or_hostile_is_refused(tmp_path):
    weights = random_inception()
    del weights["Mixed_7c.branch_pool.bn.bias"]
    torch.save(weights, tmp_path / STANDARD_FILE)
    with pytest.raises(DataError, match=r"lacks Mixed_7c\.branch_pool\.bn\.bias"):
        inception(tmp_path / STANDARD_FILE)
    ran = tmp_path / "ran"

    class Hostile:
        def __reduce__(self):
            return (ran.write_text, ("x",))

    torch.save(Hostile(), tmp_path / "hostile.pth")
    with pytest.raises(DataError, match="not opened"):
        inception(tmp_path / "hostile.pth")
    assert not ran.exists()
    with pytest.raises(DataError, match="no file"):
        inception(tmp_path / "absent.pth")


def test_the_standard_file_is_fetched_on_request_and_kept_only_with_its_checksum(tmp_path, monkeypatch):
    source = tmp_path / "elsewhere.pth"
    source.write_bytes(b"weights")
    digest = hashlib.sha256(b"weights").hexdigest()
    cache = tmp_path / "cache"
    with pytest.raises(MachineError, match="checksum is wrong"):
        fetch_standard(cache, source=source.as_uri())
    assert list(cache.iterdir()) == []
    monkeypatch.setattr("ganforge.metrics.inception._STANDARD_SHA256", digest[:8])
    file = fetch_standard(cache, source=source.as_uri())
    assert file.read_bytes() == b"weights"
    source.unlink()
    assert fetch_standard(cache, source=source.as_uri()) == file  # it is there
    file.write_bytes(b"damaged")
    with pytest.raises(MachineError, match=r"could not be fetched .*--weights FILE"):
        fetch_standard(cache, source=source.as_uri())
    assert list(cache.iterdir()) == [file]
