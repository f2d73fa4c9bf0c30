"""Photos: every kind of file has a clear outcome, whole or damaged, small or huge."""

from __future__ import annotations

import struct
import sys
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from poseapp.core import photo_heif
from poseapp.core.errors import PhotoError, PoseAppError
from poseapp.core.photo import MAX_PREVIEW_PX, full_size, load_photo, photo_preview
from poseapp.formats import registry


def _picture(width: int = 40, height: int = 24) -> np.ndarray:
    picture = np.full((height, width, 3), 40, np.uint8)
    picture[: height // 2, : width // 2] = (250, 30, 20)  # red in the top left corner
    return picture


def _encode(picture: np.ndarray, extension: str, *options: int) -> bytes:
    order = picture[..., ::-1] if picture.ndim == 3 and picture.shape[2] == 3 else picture
    done, data = cv2.imencode(extension, np.ascontiguousarray(order), list(options))
    assert done
    return data.tobytes()


def _with_orientation(jpeg: bytes, orientation: int) -> bytes:
    tiff = (
        b"MM\x00*" + struct.pack(">IH", 8, 1) + struct.pack(">HHIHH", 0x112, 3, 1, orientation, 0)
    )
    body = b"Exif\x00\x00" + tiff + struct.pack(">I", 0)
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + jpeg[2:]


def _png_header(width: int, height: int) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


@pytest.mark.parametrize("extension", [".jpg", ".png", ".webp", ".bmp", ".tiff", ".gif"])
def test_every_kind_is_read_and_kept_as_it_came(extension: str, tmp_path: Path) -> None:
    data = _encode(_picture(), extension)
    path = tmp_path / f"photo{extension}"
    path.write_bytes(data)
    photo, preview = load_photo(path)
    assert photo.data == data and photo.name == path.name and photo.size == (40, 24)
    assert preview.shape == (24, 40, 3) and preview.dtype == np.uint8
    assert np.abs(preview[4, 4].astype(int) - [250, 30, 20]).max() < 30
    assert np.array_equal(photo_preview(photo), preview)


@pytest.mark.parametrize(
    ("orientation", "size", "corner"),
    [(1, (40, 24), (4, 4)), (6, (24, 40), (4, 19)), (3, (40, 24), (19, 35))],
)
def test_exif_orientation_is_obeyed(
    orientation: int, size: tuple[int, int], corner: tuple[int, int]
) -> None:
    photo, preview = load_photo(_with_orientation(_encode(_picture(), ".jpg"), orientation))
    assert photo.size == size and preview.shape[:2] == size[::-1]
    assert preview[corner][0] > 200 and preview[corner][2] < 80


def test_sixteen_bit_grey_and_alpha() -> None:
    deep = load_photo(_encode(_picture().astype(np.uint16) * 257, ".png"))[1]
    assert deep.dtype == np.uint8 and deep[4, 4].tolist() == [250, 30, 20]
    grey = load_photo(_encode(np.full((9, 7), 128, np.uint8), ".png"))[1]
    assert grey.shape == (9, 7, 3) and (grey == 128).all()
    glass = np.zeros((8, 8, 4), np.uint8)
    glass[:4, :, 3] = 255
    preview = load_photo(_encode(glass, ".png"))[1]
    assert (preview[:4] == 0).all() and (preview[4:] == 255).all()


def test_cmyk_is_shown_in_rgb(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    path = tmp_path / "print.jpg"
    image.fromarray(np.full((16, 16, 3), (240, 20, 20), np.uint8)).convert("CMYK").save(path)
    preview = load_photo(path)[1]
    assert preview.shape == (16, 16, 3) and preview[8, 8, 0] > 180 > 90 > preview[8, 8, 2]


def test_animation_shows_its_first_frame(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    frames = [image.new("RGB", (12, 10), colour) for colour in ((255, 0, 0), (0, 0, 255))]
    for name in ("a.gif", "a.webp"):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
        photo, preview = load_photo(tmp_path / name)
        assert photo.size == (12, 10) and preview[5, 5, 0] > 200 and preview[5, 5, 2] < 60


def test_a_large_jpeg_is_decoded_reduced() -> None:
    data = _encode(np.zeros((200, 9000, 3), np.uint8), ".jpg")
    photo, preview = load_photo(data, "wide.jpg")
    assert photo.size == (9000, 200) and preview.shape[1] == MAX_PREVIEW_PX


def test_a_jpeg_too_wide_for_a_canvas_is_taken_at_a_fraction() -> None:
    wide = _encode(_picture(40_000, 60), ".jpg")
    photo, preview = load_photo(wide, "panorama.jpg")
    assert photo.size == (10_000, 15) and photo.data == wide
    assert full_size(photo) == (40_000, 60)
    assert preview.shape[1] == MAX_PREVIEW_PX and preview[0, 100, 0] > 200
    turned = load_photo(_with_orientation(wide, 6))[0]
    assert turned.size == (15, 10_000) and full_size(turned) == (60, 40_000)


def test_a_huge_jpeg_in_passes_is_refused_before_it_is_decoded() -> None:
    data = _encode(_picture(), ".jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
    place = data.index(b"\xff\xc2") + 5
    huge = data[:place] + struct.pack(">HH", 30_000, 20_000) + data[place + 4 :]
    with pytest.raises(PhotoError, match="210 megapixels"):
        load_photo(huge, "huge.jpg")


@pytest.fixture
def heic(tmp_path: Path) -> Path:
    pillow_heif = pytest.importorskip("pillow_heif")
    image = pytest.importorskip("PIL.Image")
    path = tmp_path / "phone.heic"
    pillow_heif.from_pillow(image.fromarray(_picture(80, 48))).save(path, quality=95)
    return path


def test_a_heic_photo_is_read(heic: Path) -> None:
    photo, preview = load_photo(heic)
    assert photo.size == (80, 48) and preview.shape == (48, 80, 3)
    assert preview[4, 4, 0] > 200 and preview[4, 4, 2] < 80
    assert registry.sniff(heic).name == "photo"
    with pytest.raises(PhotoError, match="damaged"):
        load_photo(heic.read_bytes()[:-200], "cut.heic")


def test_without_its_library_a_heic_photo_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(PhotoError, match=r"pip install pillow-heif.*JPEG"):
        photo_heif.decode(b"", "phone.heic")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b"hello, I am a text", "not a picture"),
        (_png_header(40_000, 40_000), "40,000 x 40,000 px"),
        (_png_header(16_000, 16_000), "megapixels"),
        (_png_header(0, 10), "no pixels"),
        (_png_header(20, 20), "damaged"),
    ],
)
def test_bad_pictures_give_one_sentence(data: bytes, says: str) -> None:
    with pytest.raises(PhotoError, match=says) as caught:
        load_photo(data, "photo.png")
    message = str(caught.value)
    assert message.startswith("photo.png") and message.endswith(".") and "\n" not in message


@pytest.mark.parametrize("extension", [".jpg", ".png", ".webp", ".bmp"])
def test_a_cut_file_is_refused(extension: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8)
    data = _encode(noise, extension)
    for share in (0.02, 0.3, 0.7, 0.95):
        with pytest.raises(PhotoError):
            load_photo(data[: int(len(data) * share)], "cut")


def test_missing_files_and_folders(tmp_path: Path) -> None:
    with pytest.raises(PhotoError, match=r"no picture gone\.jpg"):
        load_photo(tmp_path / "gone.jpg")
    with pytest.raises(PhotoError, match=r"folder|read"):
        load_photo(tmp_path)


@pytest.mark.parametrize("extension", [".jpg", ".png", ".webp", ".gif", ".bmp", ".tiff"])
def test_damaged_bytes_never_escape(extension: str) -> None:
    rng = np.random.default_rng(7)
    good = np.frombuffer(_encode(_picture(), extension), np.uint8)
    for _ in range(60):
        bad = good.copy()
        places = rng.integers(0, len(bad), rng.integers(1, 8))
        bad[places] = rng.integers(0, 256, len(places))
        try:
            _, preview = load_photo(bad.tobytes(), "bad")
        except PoseAppError as error:
            assert str(error).endswith(".")
        else:
            assert preview.ndim == 3
