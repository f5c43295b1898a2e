"""What is kept of a picture: its pixels, upright and small enough, and nothing else."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from station.photos.decoding import decode
from station.photos.model import LONGEST_EDGE, NotAPhoto, PhotoNotKept, TooManyPixels
from station.photos.reencode import reencode
from tests.photos.pictures import PROGRAM, SECRET, SVG, bomb, phone_photo, picture, polyglot


def remade(sent: bytes, max_pixels: int = 10_000_000, edge: int = LONGEST_EDGE) -> Image.Image:
    content, width, height = reencode(io.BytesIO(sent), max_pixels, edge)
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
    content, width, height = reencode(io.BytesIO(phone_photo(orientation=6)), 10_000_000, LONGEST_EDGE)
    image = Image.open(io.BytesIO(content))
    assert not image.getexif() and "comment" not in image.info and b"PhoneMaker" not in content
    assert (width, height) == (48, 64)
    corner = image.getpixel((46, 2))  # top left, turned clockwise
    assert isinstance(corner, tuple) and corner[0] > 200


def test_nothing_rides_along() -> None:
    """Script in a comment or behind the picture is not in what is kept."""
    content, _, _ = reencode(io.BytesIO(polyglot()), 10_000_000, LONGEST_EDGE)
    assert SECRET not in content and b"script" not in content and b"PK\x03\x04" not in content


def test_transparency_becomes_paper() -> None:
    """What shows through is white, as on the page that it was meant for; palettes and grey work too."""
    clear = io.BytesIO()
    Image.new("RGBA", (8, 8), (0, 0, 0, 0)).save(clear, "PNG")
    assert remade(clear.getvalue()).getpixel((4, 4)) == (255, 255, 255)
    assert remade(picture(form="PNG", mode="P")).size == (64, 48)
    assert remade(picture(form="PNG", mode="L", colour="gray")).size == (64, 48)


def test_large_pictures_are_scaled_down() -> None:
    """The longest edge is bounded and the shape stays."""
    assert remade(picture((4000, 2000))).size == (LONGEST_EDGE, LONGEST_EDGE // 2)


def test_too_many_pixels_are_refused_by_the_header() -> None:
    """Before anything is decoded."""
    with pytest.raises(Image.DecompressionBombError):
        reencode(io.BytesIO(bomb(4000, 4000)), 1_000_000, LONGEST_EDGE)


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
    with pytest.raises(PhotoNotKept):
        await decode(io.BytesIO(picture()), tmp_path / "no-such-folder" / "kept")
