"""Example photos for the demonstration, drawn at run time.

They carry what real phone photos carry and what a recipient must never get: the place, the device
and an orientation that only the metadata tells.
"""

from __future__ import annotations

import io
import random

import pillow_heif
from PIL import ExifTags, Image, ImageDraw, ImageFilter, ImageFont

_LATITUDE = ((45.0, 45.0, 51.84), "N")
_LONGITUDE = ((4.0, 50.0, 8.52), "E")
_TURN_CLOCKWISE = 6  # EXIF: the stored picture is shown after a quarter turn clockwise.
_SKIN = (226, 182, 158)


def skin_jpeg() -> bytes:
    """A photo of a skin lesion as a phone held upright takes it.

    Stored as 1200 x 900 pixels, shown as 900 x 1200 (EXIF orientation 6), with the GPS position of
    the place and the phone's model. The same bytes every time.
    """
    out = io.BytesIO()
    stored = _skin().transpose(Image.Transpose.ROTATE_90)
    stored.save(out, "JPEG", quality=88, exif=_exif(_TURN_CLOCKWISE))
    return out.getvalue()


def skin_heic() -> bytes:
    """The same scene as a recent phone stores it: HEIC, 900 x 1200 pixels, with the GPS position."""
    out = io.BytesIO()
    pillow_heif.from_pillow(_skin()).save(out, quality=80, exif=_exif(1).tobytes())
    return out.getvalue()


def drawing_png() -> bytes:
    """A practitioner's small sketch (480 x 320) of where to put the cream."""
    image = Image.new("RGB", (480, 320), (255, 255, 255))
    draw = ImageDraw.Draw(image)
    draw.line([(30, 110), (250, 95), (340, 110), (450, 120)], fill=(60, 60, 60), width=4)
    draw.line([(30, 220), (250, 200), (340, 195), (450, 190)], fill=(60, 60, 60), width=4)
    draw.ellipse((165, 120, 265, 185), outline=(20, 110, 190), width=4)
    draw.ellipse((198, 140, 232, 166), fill=(190, 90, 80))
    draw.line([(330, 270), (262, 186)], fill=(20, 110, 190), width=4)
    draw.polygon([(254, 176), (258, 200), (276, 186)], fill=(20, 110, 190))
    draw.text((300, 274), "ici, 2 fois par jour", fill=(20, 110, 190), font=ImageFont.load_default(15))
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()


def _skin() -> Image.Image:
    """The upright scene: a lesion on skin, above a ruler that stands at the bottom edge."""
    image = Image.new("RGB", (900, 1200), _SKIN)
    draw = ImageDraw.Draw(image)
    chance = random.Random(20)
    _grain(draw, chance)
    _lesion(draw, chance)
    image = image.filter(ImageFilter.GaussianBlur(3))
    _ruler(ImageDraw.Draw(image))
    return image


def _grain(draw: ImageDraw.ImageDraw, chance: random.Random) -> None:
    for _ in range(9000):
        x, y, length = chance.randrange(900), chance.randrange(1200), chance.randint(3, 14)
        shade = chance.randint(-14, 10)
        colour = (_SKIN[0] + shade, _SKIN[1] + shade, _SKIN[2] + shade)
        draw.line([(x, y), (x + length, y + chance.randint(-4, 4))], fill=colour, width=3)


def _lesion(draw: ImageDraw.ImageDraw, chance: random.Random) -> None:
    for radius in range(190, 0, -4):
        depth = 1 - radius / 190
        colour = (int(214 - 70 * depth), int(150 - 92 * depth), int(130 - 72 * depth))
        for _ in range(7):
            x, y = 450 + chance.gauss(0, 16), 520 + chance.gauss(0, 12)
            draw.ellipse((x - radius, y - radius * 0.8, x + radius, y + radius * 0.8), fill=colour)


def _ruler(draw: ImageDraw.ImageDraw) -> None:
    draw.rectangle((0, 1040, 900, 1200), fill=(246, 242, 214), outline=(120, 116, 90), width=3)
    font = ImageFont.load_default(34)
    for millimetre in range(90):
        x = 10 + millimetre * 9.7
        height = 70 if millimetre % 10 == 0 else 50 if millimetre % 5 == 0 else 30
        draw.line([(x, 1040), (x, 1040 + height)], fill=(60, 58, 40), width=2)
        if millimetre % 10 == 0:
            draw.text((x + 6, 1112), str(millimetre // 10), fill=(60, 58, 40), font=font)
    draw.text((830, 1150), "cm", fill=(60, 58, 40), font=font)


def _exif(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Exemple"
    exif[ExifTags.Base.Model] = "Mobile 12"
    exif[ExifTags.Base.Orientation] = orientation
    exif[ExifTags.Base.DateTime] = "2026:03:14 18:22:05"
    position = exif.get_ifd(ExifTags.IFD.GPSInfo)
    position[ExifTags.GPS.GPSLatitude], position[ExifTags.GPS.GPSLatitudeRef] = _LATITUDE
    position[ExifTags.GPS.GPSLongitude], position[ExifTags.GPS.GPSLongitudeRef] = _LONGITUDE
    return exif
