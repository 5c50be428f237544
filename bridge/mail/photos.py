"""Photos: recognised by content, turned upright, and re-encoded so that no metadata leaves with them.

A phone's photo tells where it was taken (EXIF GPS), when, and by which device; none of that goes on.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from io import BytesIO

import pillow_heif
from PIL import Image, ImageCms, ImageOps

pillow_heif.register_heif_opener()

MAX_PIXELS = 50_000_000
"""Larger pictures stay files: opening them would take hundreds of megabytes."""

FORMATS = ("JPEG", "PNG", "HEIF", "WEBP", "GIF", "TIFF", "BMP", "MPO")
DEEP = ("I", "I;16", "I;16L", "I;16B", "I;16N")
"""Modes of more than eight bits, such as exported X-rays; eight bits would show them all white."""

QUALITY = 90


@dataclass(frozen=True, slots=True)
class Photo:
    """A clean picture. ``extension`` has no dot; sizes are in pixels."""

    content: bytes
    mimetype: str
    extension: str
    width: int
    height: int


def clean_photo(content: bytes) -> Photo | None:
    """The picture without its metadata, upright; ``None`` when it isn't one that we can open."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return _cleaned(content)
    except Exception:  # decoders raise anything on hostile bytes; the file then stays a file
        return None


def _cleaned(content: bytes) -> Photo | None:
    with Image.open(BytesIO(content), formats=FORMATS) as opened:
        if opened.width * opened.height > MAX_PIXELS:
            return None
        kind = opened.format or ""
        if kind == "TIFF" and getattr(opened, "n_frames", 1) > 1:
            return None  # a scan of several pages: the others must not vanish
        ImageOps.exif_transpose(opened, in_place=True)
        opened.load()
        return _encoded_as_fits(_in_srgb(opened), kind)


def _encoded_as_fits(picture: Image.Image, kind: str) -> Photo | None:
    """The picture in the format that keeps what is to be seen; each copy of its pixels counts."""
    if picture.mode in DEEP:
        return _encoded(picture, "PNG")
    if picture.mode == "F":
        return None
    transparent = picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info
    if kind == "PNG" or transparent:
        return _encoded(_in_mode(picture, "RGBA" if transparent else "RGB"), "PNG")
    return _encoded(_in_mode(picture, "RGB"), "JPEG")


def _in_mode(picture: Image.Image, mode: str) -> Image.Image:
    return picture if picture.mode == mode else picture.convert(mode)


def _in_srgb(picture: Image.Image) -> Image.Image:
    """Convert the colours, since the profile that explains them is dropped like all metadata."""
    profile = picture.info.get("icc_profile")
    if not profile or picture.mode not in ("RGB", "RGBA"):
        return picture
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"), inPlace=True)
    except (ImageCms.PyCMSError, OSError):
        return picture
    return picture


def _encoded(picture: Image.Image, kind: str) -> Photo:
    # Encoders write along what stands here: comments, colour profiles, where it was taken.
    bare = picture
    bare.info = {}
    out = BytesIO()
    if kind == "PNG":
        bare.save(out, "PNG", optimize=False)
        return Photo(out.getvalue(), "image/png", "png", bare.width, bare.height)
    bare.save(out, "JPEG", quality=QUALITY)
    return Photo(out.getvalue(), "image/jpeg", "jpg", bare.width, bare.height)
