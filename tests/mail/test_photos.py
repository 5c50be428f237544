"""A photo goes on upright and without anything that tells where or when it was taken."""

from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from bridge.demo.photos import skin_heic, skin_jpeg
from bridge.mail.photos import clean_photo


def _opened(content: bytes) -> Image.Image:
    return Image.open(BytesIO(content))


@pytest.mark.parametrize(("content", "kind"), [(skin_jpeg(), "JPEG"), (skin_heic(), "JPEG")])
def test_gps_and_all_other_metadata_are_gone(content: bytes, kind: str) -> None:
    assert _opened(content).getexif()
    photo = clean_photo(content)
    assert photo is not None
    clean = _opened(photo.content)
    assert clean.format == kind
    assert not clean.getexif()
    assert set(clean.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    assert b"GPS" not in photo.content
    assert b"Exif" not in photo.content


def test_a_photo_taken_sideways_is_turned_upright() -> None:
    photo = clean_photo(skin_jpeg())
    assert photo is not None
    assert (photo.width, photo.height) == (900, 1200)


def test_text_in_a_png_is_dropped_and_transparency_stays() -> None:
    notes = PngInfo()
    notes.add_text("Author", "Marie Dupont")
    out = BytesIO()
    Image.new("RGBA", (4, 4), (255, 0, 0, 10)).save(out, "PNG", pnginfo=notes)
    photo = clean_photo(out.getvalue())
    assert photo is not None
    assert photo.mimetype == "image/png"
    assert b"Marie" not in photo.content
    assert _opened(photo.content).getpixel((0, 0)) == (255, 0, 0, 10)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "BMP", "TIFF"])
def test_other_pictures_become_what_every_client_shows(kind: str) -> None:
    out = BytesIO()
    Image.new("RGB", (5, 4), (1, 2, 3)).save(out, kind)
    photo = clean_photo(out.getvalue())
    assert photo is not None
    assert photo.mimetype in ("image/jpeg", "image/png")
    assert (photo.width, photo.height) == (5, 4)


@pytest.mark.parametrize(
    "content",
    [b"", b"%PDF-1.7", b"<svg xmlns='http://www.w3.org/2000/svg'/>", skin_jpeg()[:300], b"\xff\xd8\xff"],
)
def test_what_is_no_picture_stays_a_file(content: bytes) -> None:
    assert clean_photo(content) is None


def test_a_picture_of_too_many_pixels_stays_a_file() -> None:
    out = BytesIO()
    Image.new("1", (12_000, 9_000)).save(out, "PNG")
    assert clean_photo(out.getvalue()) is None


def test_a_picture_of_sixteen_bits_keeps_its_shades() -> None:
    out = BytesIO()
    deep = Image.new("I;16", (3, 2), 1_000)
    deep.putpixel((1, 1), 40_000)
    deep.save(out, "PNG")
    photo = clean_photo(out.getvalue())
    assert photo is not None
    clean = _opened(photo.content)
    assert [clean.getpixel((0, 0)), clean.getpixel((1, 1))] == [1_000, 40_000]


def test_a_scan_of_several_pages_stays_a_file_with_all_of_them() -> None:
    out = BytesIO()
    page = Image.new("L", (4, 4))
    page.save(out, "TIFF", save_all=True, append_images=[page])
    assert clean_photo(out.getvalue()) is None


def test_comments_and_embedded_documents_of_a_jpeg_are_gone() -> None:
    out = BytesIO()
    Image.new("RGB", (4, 4)).save(out, "JPEG", comment=b"Marie Dupont", xmp=b"<x:xmpmeta>Marie</x:xmpmeta>")
    assert b"Marie" in out.getvalue()
    photo = clean_photo(out.getvalue())
    assert photo is not None
    assert b"Marie" not in photo.content


def test_an_animation_becomes_its_first_picture() -> None:
    out = BytesIO()
    red, blue = (Image.new("RGB", (4, 4), colour) for colour in ((255, 0, 0), (0, 0, 255)))
    red.save(out, "GIF", save_all=True, append_images=[blue])
    photo = clean_photo(out.getvalue())
    assert photo is not None
    pixel = _opened(photo.content).convert("RGB").getpixel((0, 0))
    assert isinstance(pixel, tuple)
    assert pixel[0] > 200 > pixel[2]
