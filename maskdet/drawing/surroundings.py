"""What is around the people: backgrounds, and the camera that takes the photograph."""

import io

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from .canvas import mix, shade


def background(size, rng):
    """An RGB `PIL.Image` of `size` (width, height): a street, a room, a wall or blurred things."""
    kind = rng.choice(["street", "room", "wall", "clutter"], p=[0.3, 0.3, 0.15, 0.25])
    small = tuple(s // 2 for s in size)  # it is out of focus, half the size is enough
    view = {"street": street, "room": room, "wall": wall, "clutter": clutter}[str(kind)]
    image = view(small, rng).filter(ImageFilter.GaussianBlur(float(rng.uniform(0.7, 4))))
    return image.resize(size, Image.Resampling.BILINEAR)


def gradient(size, top, bottom):
    """An image that runs from the colour `top` to the colour `bottom`."""
    rows = np.linspace(top, bottom, size[1])[:, None, :].repeat(size[0], 1)
    return Image.fromarray(np.clip(rows, 0, 255).astype(np.uint8))


def dull(rng, low=40, high=220):
    """A random colour that is not too vivid."""
    return mix([rng.uniform(low, high)] * 3, rng.uniform(low, high, 3), 0.3)


def wall(size, rng):
    """A plain wall with a soft gradient."""
    colour = dull(rng, 70, 230)
    return gradient(size, shade(colour, rng.uniform(0.8, 1.1)), shade(colour, rng.uniform(0.6, 1)))


def street(size, rng):
    """Sky, houses with windows, a road."""
    width, height = size
    image = gradient(size, mix((120, 170, 220), (210, 214, 216), rng.uniform()), (214, 218, 220))
    draw = ImageDraw.Draw(image)
    x, ground = -rng.uniform(0, 30), height * rng.uniform(0.6, 0.75)
    while x < width:
        wide, top = rng.uniform(30, 90), rng.uniform(-0.1, 0.45) * height
        colour = dull(rng, 80, 200)
        draw.rectangle((x, top, x + wide, ground), fill=colour)
        glass = mix(colour, (50, 60, 80), 0.6)
        for wx in np.arange(x + 5, x + wide - 8, 14):
            for wy in np.arange(top + 6, ground - 12, 18):
                draw.rectangle((wx, wy, wx + 7, wy + 10), fill=glass)
        x += wide
    draw.rectangle((0, ground, width, height), fill=dull(rng, 90, 150))
    draw.rectangle((0, ground + 0.1 * height, width, height), fill=dull(rng, 70, 110))
    return image


def room(size, rng):
    """A wall with pictures, shelves or a window, and the floor."""
    width, height = size
    colour = dull(rng, 130, 230)
    image = gradient(size, colour, shade(colour, 0.8))
    draw = ImageDraw.Draw(image)
    floor = height * rng.uniform(0.7, 0.9)
    draw.rectangle((0, floor, width, height), fill=mix((110, 80, 56), dull(rng), 0.5))
    draw.rectangle((0, floor - 4, width, floor), fill=shade(colour, 1.15))
    for _ in range(rng.integers(1, 5)):
        x, y = rng.uniform(0, width), rng.uniform(0, height * 0.5)
        w, h = rng.uniform(25, 80), rng.uniform(25, 70)
        if rng.uniform() < 0.4:
            draw.rectangle((x, y, x + w, y + h), fill=(222, 234, 242), outline=(240, 240, 236),
                           width=4)
            draw.line((x + w / 2, y, x + w / 2, y + h), fill=(240, 240, 236), width=3)
        elif rng.uniform() < 0.5:
            draw.rectangle((x, y, x + w, y + h), fill=dull(rng), outline=(60, 44, 30), width=3)
        else:
            for book in np.arange(x, x + w, 6):
                draw.rectangle((book, y + rng.uniform(0, 10), book + 5, y + 40), fill=dull(rng))
            draw.rectangle((x - 4, y + 40, x + w + 4, y + 44), fill=(90, 64, 44))
    return image


def clutter(size, rng):
    """Far things, out of focus, and lights."""
    image = gradient(size, dull(rng, 30, 200), dull(rng, 30, 200))
    draw = ImageDraw.Draw(image)
    for _ in range(rng.integers(15, 45)):
        x, y = rng.uniform(0, size[0]), rng.uniform(0, size[1])
        w, h = rng.uniform(5, 60, 2)
        shape = draw.rectangle if rng.uniform() < 0.6 else draw.ellipse
        shape((x - w, y - h, x + w, y + h), fill=dull(rng, 20, 240))
    image = image.filter(ImageFilter.GaussianBlur(float(rng.uniform(3, 8))))
    draw = ImageDraw.Draw(image)
    for _ in range(rng.integers(0, 14)):
        x, y, r = rng.uniform(0, size[0]), rng.uniform(0, size[1]), rng.uniform(2, 7)
        glow = mix(dull(rng, 150, 255), (255, 240, 190), 0.5)
        draw.ellipse((x - r, y - r, x + r, y + r), fill=glow)
    return image


def photograph(image, rng):
    """What a camera makes of `image`: a (H, W, 3) uint8 array.

    Out of focus or moved a little, too dark or too bright, of some colour cast,
    with darker corners, noise and the traces of compression.
    """
    if rng.uniform() < 0.5:
        image = image.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.2, 1.1))))
    if rng.uniform() < 0.12:
        image = moved(image, rng.integers(3, 6))
    light = rng.choice(["even", "dim", "bright"], p=[0.7, 0.16, 0.14])
    gain = {"even": rng.uniform(0.85, 1.15), "dim": rng.uniform(0.42, 0.75),
            "bright": rng.uniform(1.15, 1.5)}[str(light)]
    pixels = np.asarray(image, np.float32) / 255
    pixels *= (gain * rng.normal(1, 0.05, 3)).astype(np.float32)
    height, width = pixels.shape[:2]
    x, y = np.linspace(-1, 1, width, dtype=np.float32), np.linspace(-1, 1, height, dtype=np.float32)
    pixels *= (1 - np.float32(rng.uniform(0, 0.15)) * (x**2 + y[:, None] ** 2))[:, :, None]
    contrast = np.float32(rng.uniform(0.8, 1.15))
    pixels *= contrast
    pixels += 0.45 * (1 - contrast)
    noise = rng.standard_normal((height, width), np.float32)
    grain = 0.03 * rng.uniform(0.1, 1) ** 2
    noise *= np.float32(grain)
    pixels += noise[:, :, None]
    pixels = (np.clip(pixels, 0, 1, out=pixels) * 255).astype(np.uint8)
    return compressed(pixels, int(rng.integers(35, 80))) if rng.uniform() < 0.3 else pixels


def moved(image, length):
    """The mean of `image` shifted by 0 to `length` - 1 pixels to the right."""
    pixels = np.asarray(image, np.float32)
    wide = np.pad(pixels, ((0, 0), (length - 1, 0), (0, 0)), mode="edge")
    total = sum(wide[:, k:k + pixels.shape[1]] for k in range(length))
    return Image.fromarray((total / length).astype(np.uint8))


def compressed(pixels, quality):
    """`pixels` after a JPEG of the given quality."""
    with io.BytesIO() as stream:
        Image.fromarray(pixels).save(stream, "JPEG", quality=quality)
        return np.asarray(Image.open(stream).convert("RGB"))
