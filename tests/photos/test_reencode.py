"""What is kept of a picture: its pixels, upright and small enough, and nothing else."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from station.photos.decoding import decode
from station.photos.model import (
    KEPT_PIXELS,
    READABLE_EDGE,
    SHORT_EDGE,
    NotAPhoto,
    PhotoNotKept,
    PhotoTooLong,
    TooManyPixels,
)
from station.photos.reencode import Limits, TooLong, kept_size, reencode
from tests.photos.pictures import (
    DISPLAY_P3,
    PROGRAM,
    SECRET,
    SVG,
    bomb,
    long_screenshot,
    matrix_profile,
    phone_photo,
    picture,
    polyglot,
)

LIMITS = Limits(64_000_000, SHORT_EDGE, KEPT_PIXELS, READABLE_EDGE)


def remade(sent: bytes, limits: Limits = LIMITS) -> Image.Image:
    content, width, height = reencode(io.BytesIO(sent), limits)
    image = Image.open(io.BytesIO(content))
    assert image.format == "JPEG" and image.size == (width, height)
    image.load()
    return image


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_the_three_forms_become_a_jpeg(form: str) -> None:
    """Size and colours stay."""
    image = remade(picture(form=form))
    assert image.size == (64, 48)
    red, teal = image.getpixel((2, 2)), image.getpixel((60, 40))
    assert isinstance(red, tuple) and red[0] > 200 and red[1] < 60
    assert isinstance(teal, tuple) and teal[0] < 60 and teal[1] > 90


def test_what_a_phone_writes_beside_the_picture_is_gone() -> None:
    """No place, no maker, no orientation, no comment; and the picture stands upright."""
    content, width, height = reencode(io.BytesIO(phone_photo(orientation=6)), LIMITS)
    image = Image.open(io.BytesIO(content))
    assert not image.getexif() and "comment" not in image.info and b"PhoneMaker" not in content
    assert (width, height) == (48, 64)
    corner = image.getpixel((46, 2))  # top left, turned clockwise
    assert isinstance(corner, tuple) and corner[0] > 200


def test_nothing_rides_along() -> None:
    """Script in a comment or behind the picture is not in what is kept."""
    content, _, _ = reencode(io.BytesIO(polyglot()), LIMITS)
    assert SECRET not in content and b"script" not in content and b"PK\x03\x04" not in content


def test_transparency_becomes_paper() -> None:
    """What shows through is white, as on the page that it was meant for; palettes and grey work too."""
    clear = io.BytesIO()
    Image.new("RGBA", (8, 8), (0, 0, 0, 0)).save(clear, "PNG")
    assert remade(clear.getvalue()).getpixel((4, 4)) == (255, 255, 255)
    assert remade(picture(form="PNG", mode="P")).size == (64, 48)
    assert remade(picture(form="PNG", mode="L", colour="gray")).size == (64, 48)


def test_large_pictures_are_scaled_down() -> None:
    """The short side is bounded and the shape stays, also of one that lies on its side."""
    assert remade(picture((4000, 3000))).size == (2048, SHORT_EDGE)
    assert remade(phone_photo(orientation=6, size=(4000, 3000))).size == (SHORT_EDGE, 2048)


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_a_long_screenshot_stays_readable(form: str) -> None:
    """Twelve screens of a conversation keep their width, and each line of it can still be told from the next."""
    kept = remade(long_screenshot((1080, 12_000), form))
    assert kept.size == (1080, 12_000)
    column = [kept.getpixel((540, y)) for y in range(0, 48, 6)]
    light = [isinstance(pixel, tuple) and pixel[0] > 128 for pixel in column]
    assert light == [True, True, False, False, True, True, False, False]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ((1080, 12_000), (1080, 12_000)),
        ((12_000, 1080), (12_000, 1080)),
        ((8000, 6000), (2048, 1536)),
        ((16_000, 3000), (8192, 1536)),
        ((1440, 20_000), (1315, 18_257)),
        ((300, 66_000), (298, 65_500)),
        ((100, 20), (100, 20)),
        ((5, 1), (5, 1)),
    ],
)
def test_short_side_and_area_are_bounded_never_the_long_side(sent: tuple[int, int], kept: tuple[int, int]) -> None:
    """Screenshots and panoramas keep what can be read in them; small pictures stay as they are."""
    assert kept_size(*sent, LIMITS) == kept


def test_one_too_long_to_stay_readable_is_refused() -> None:
    """Nothing is kept of which the letters would be lost."""
    with pytest.raises(TooLong):
        kept_size(1080, 58_000, LIMITS)


def test_colours_are_converted_to_srgb() -> None:
    """The red of a Display P3 photo is kept as red as it was seen, in each form and with transparency too."""
    seen, unconverted = (226, 9, 37), (206, 50, 52)  # (206, 50, 52) of Display P3, calculated by its matrix
    profile = matrix_profile(DISPLAY_P3)
    for form, mode in (("PNG", "RGB"), ("PNG", "RGBA"), ("WEBP", "RGB"), ("PNG", "P")):
        sent = io.BytesIO()
        Image.new("RGB", (16, 16), unconverted).convert(mode).save(sent, form, icc_profile=profile, lossless=True)
        _assert_near(remade(sent.getvalue()), seen)
    sent = io.BytesIO()
    Image.new("RGB", (16, 16), unconverted).save(sent, "JPEG", icc_profile=profile, quality=95)
    _assert_near(remade(sent.getvalue()), seen)


def test_a_broken_profile_is_as_good_as_none() -> None:
    """Half a profile, or one of another kind of picture, does not cost the photo."""
    grey = io.BytesIO()
    Image.new("L", (16, 16), 120).save(grey, "PNG", icc_profile=matrix_profile(DISPLAY_P3))
    _assert_near(remade(grey.getvalue()), (120, 120, 120))
    cut = io.BytesIO()
    Image.new("RGB", (16, 16), (206, 50, 52)).save(cut, "PNG", icc_profile=matrix_profile(DISPLAY_P3)[:60])
    _assert_near(remade(cut.getvalue()), (206, 50, 52))


def _assert_near(image: Image.Image, wanted: tuple[int, int, int]) -> None:
    found = image.getpixel((8, 8))
    assert isinstance(found, tuple)
    assert all(abs(one - other) <= 6 for one, other in zip(found, wanted, strict=True)), (found, wanted)


def test_too_many_pixels_are_refused_by_the_header() -> None:
    """Before anything is decoded."""
    with pytest.raises(Image.DecompressionBombError):
        reencode(io.BytesIO(bomb(4000, 4000)), replace(LIMITS, max_pixels=1_000_000))


async def test_the_process_says_what_it_found(tmp_path: Path) -> None:
    """A picture gives its checksum and size; other things their reason."""
    made = await decode(io.BytesIO(phone_photo()), tmp_path / "kept")
    assert (made.width, made.height) == (48, 64)
    assert made.size_bytes == (tmp_path / "kept").stat().st_size and len(made.sha256) == 64
    cut = picture((600, 400))[:-200]
    for sent in (PROGRAM, SVG, b"", cut, b"GIF89a" + b"\x00" * 50):
        with pytest.raises(NotAPhoto):
            await decode(io.BytesIO(sent), tmp_path / f"not-{len(sent)}")
    with pytest.raises(TooManyPixels):
        await decode(io.BytesIO(bomb()), tmp_path / "bomb")
    with pytest.raises(PhotoTooLong):
        await decode(io.BytesIO(bomb(1000, 58_000)), tmp_path / "too-long")
    with pytest.raises(PhotoNotKept):
        await decode(io.BytesIO(picture()), tmp_path / "no-such-folder" / "kept")
