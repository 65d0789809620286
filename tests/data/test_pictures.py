"""Every kind of file Pillow can write comes out as the colours that went in."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from headstart.data import decoding, load
from headstart.errors import InputError

RED, GREEN = (200, 30, 40), (20, 180, 60)


def halves(left=RED, right=GREEN, mode="RGB", size=(16, 12)) -> Image.Image:
    image = Image.new(mode, size, left)
    image.paste(Image.new(mode, (size[0] // 2, size[1]), right), (size[0] // 2, 0))
    return image


def corners(path: Path) -> tuple[list[int], list[int]]:
    """The upper left and the lower right pixel of the only picture in a folder."""
    items = load(path.parent).items
    return items[0, :, 1, 1].tolist(), items[0, :, -2, -2].tolist()


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.tiff", "a.TIF", "a.ppm"])
def test_rgb(tmp_path, name):
    halves().save(tmp_path / name)
    assert corners(tmp_path / name) == (list(RED), list(GREEN))


@pytest.mark.parametrize("options", [{}, {"quality": 95, "subsampling": 0}])
def test_jpeg_is_close(tmp_path, options):
    halves().save(tmp_path / "a.jpg", **options)
    assert np.abs(np.array(corners(tmp_path / "a.jpg")) - [RED, GREEN]).max() < 12


def test_lossless_webp(tmp_path):
    halves().save(tmp_path / "a.webp", lossless=True)
    assert corners(tmp_path / "a.webp") == (list(RED), list(GREEN))


@pytest.mark.parametrize("name", ["a.png", "a.gif", "a.bmp"])
def test_palettes(tmp_path, name):
    halves().quantize(4).save(tmp_path / name)
    assert corners(tmp_path / name) == (list(RED), list(GREEN))


def test_a_palette_of_greys_is_grey(tmp_path):
    halves((9, 9, 9), (90, 90, 90)).quantize(4).save(tmp_path / "a.png")
    assert corners(tmp_path / "a.png") == ([9], [90])


def test_a_transparent_palette_colour_becomes_white(tmp_path):
    image = halves().quantize(4)
    image.save(tmp_path / "a.png", transparency=image.getpixel((0, 0)))
    assert corners(tmp_path / "a.png") == ([255, 255, 255], list(GREEN))


def test_rgba_is_put_on_white(tmp_path):
    halves((200, 30, 40, 0), (20, 180, 60, 128), "RGBA").save(tmp_path / "a.png")
    share = 128 / 255
    expected = [round(level * share + 255 * (1 - share)) for level in GREEN]
    left, right = corners(tmp_path / "a.png")
    assert left == [255, 255, 255]
    assert np.abs(np.subtract(right, expected)).max() <= 1


def test_grey_with_alpha_stays_grey(tmp_path):
    halves((70, 0), (70, 255), "LA").save(tmp_path / "a.png")
    assert corners(tmp_path / "a.png") == ([255], [70])


def test_one_bit(tmp_path):
    halves(0, 1, "1").save(tmp_path / "a.png")
    assert corners(tmp_path / "a.png") == ([0], [255])


@pytest.mark.parametrize("name", ["a.jpg", "a.tiff"])
def test_cmyk(tmp_path, name):
    halves((0, 255, 255, 0), (255, 0, 0, 0), "CMYK").save(tmp_path / name)
    assert np.abs(np.array(corners(tmp_path / name)) - [[255, 0, 0], [0, 255, 255]]).max() < 12


@pytest.mark.parametrize("name", ["a.png", "a.tiff", "a.pgm"])
def test_sixteen_bits_are_scaled_by_65535(tmp_path, name):
    values = np.full((12, 16), 257 * 40, dtype=np.uint16)
    values[:, 8:] = 65535
    Image.fromarray(values).save(tmp_path / name)
    assert corners(tmp_path / name) == ([40], [255])
    assert any("16 bits" in note for note in load(tmp_path).notes)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tiff", "a.webp"])
def test_exif_turns_the_picture_upright(tmp_path, name, orientation):
    wanted = np.zeros((16, 24, 3), dtype=np.uint8)
    wanted[:8, :12], wanted[8:, :12], wanted[8:, 12:] = (250, 0, 0), (0, 250, 0), (0, 0, 250)
    stored = {
        1: wanted,
        2: wanted[:, ::-1],
        3: wanted[::-1, ::-1],
        4: wanted[::-1],
        5: wanted.transpose(1, 0, 2),
        6: np.rot90(wanted, 1),
        7: np.rot90(wanted, 2).transpose(1, 0, 2),
        8: np.rot90(wanted, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 95, "subsampling": 0} if name == "a.jpg" else {"lossless": True} if "webp" in name else {}
    Image.fromarray(np.ascontiguousarray(stored)).save(tmp_path / name, exif=exif, **options)
    found = load(tmp_path).items[0].permute(1, 2, 0).numpy().astype(int)
    assert found.shape == wanted.shape
    assert np.abs(found[2:-2:3, 2:-2:3] - wanted[2:-2:3, 2:-2:3]).mean() < 12


def test_grey_only_where_every_file_is_grey(tmp_path):
    halves(30, 200, "L").save(tmp_path / "a.png")
    assert load(tmp_path).shape == (1, 12, 16)
    halves().save(tmp_path / "b.png")
    data = load(tmp_path)
    assert data.shape == (3, 12, 16)
    assert data.items[0, :, 0, 0].tolist() == [30, 30, 30]
    assert any("1 of 2 images are grey" in note for note in data.notes)


def png_header(width: int, height: int) -> bytes:
    """A PNG that promises a size and holds next to nothing."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    start = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + start + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")


BROKEN = {
    "empty": (b"", "the file is empty"),
    "text": (b"<html>not found</html>", "not an image"),
    "postscript": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not an image"),
    "bomb": (png_header(30_000, 30_000), "decompression bomb"),
    "small bomb": (png_header(9_500, 9_500), "decompression bomb"),
    "short": (png_header(20, 20), "truncated or damaged"),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", BROKEN)
def test_a_bad_file_among_good_ones_is_skipped_with_its_reason(write, tmp_path, kind):
    body, reason = BROKEN[kind]
    for number in range(30):
        write(f"good {number}.png")
    (tmp_path / "bad.png").write_bytes(body)
    data = load(tmp_path)
    assert len(data) == 30
    assert [one.path for one in data.skipped] == [str(tmp_path / "bad.png")]
    assert reason in data.skipped[0].reason
    assert any("1 of 31 images cannot be read" in note for note in data.notes)


@pytest.mark.parametrize("name", ["bad.jpg", "bad.png", "bad.gif", "bad.tiff", "bad.webp", "bad.bmp"])
def test_a_truncated_file_of_any_format_is_skipped(write, tmp_path, name):
    for number in range(30):
        write(f"good {number}.png")
    whole = write(name, size=(60, 60))
    whole.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    data = load(tmp_path)
    assert [Path(one.path).name for one in data.skipped] == [name]
    assert len(data) == 30


def test_float_pixels_in_files_say_what_to_do(write, tmp_path):
    for number in range(30):
        write(f"good {number}.png")
    Image.new("F", (20, 20), 0.5).save(tmp_path / "bad.tiff")
    assert "floats" in load(tmp_path).skipped[0].reason


@pytest.mark.parametrize("kept_from", [0, decoding.KEPT_FROM])
def test_nothing_but_headers_that_can_be_read(tmp_path, monkeypatch, kept_from):
    monkeypatch.setattr(decoding, "KEPT_FROM", kept_from)
    monkeypatch.setenv("HEADSTART_CACHE", str(tmp_path / "cache"))
    (tmp_path / "floats").mkdir()
    for number in range(3):
        Image.new("F", (20, 20), number / 3).save(tmp_path / f"floats/{number}.tiff")
    for _ in range(2):  # the second time from the cache, where there is one
        with pytest.raises(InputError, match=r"none of its 3 images can be read \(first .*: its pixels are floats"):
            load(tmp_path / "floats")
