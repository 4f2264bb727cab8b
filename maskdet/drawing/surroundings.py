"""What is around the people: backgrounds, and the camera that takes the photograph."""

import io

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from .canvas import mix, shade


def background(size, rng):
    """An RGB `PIL.Image` of `size` (width, height): a street, a room, a wall or blurred things."""
    view = (street, room, wall, clutter)[rng.choice(4, p=[0.3, 0.3, 0.15, 0.25])]
    half = tuple(side // 2 for side in size)  # enough, as the background is out of focus
    return blurred(view(half, rng), rng, 0.7, 4).resize(size, Image.Resampling.BILINEAR)


def blurred(image, rng, low, high):
    """`image` out of focus, by a random radius of `low` to `high` pixels."""
    return image.filter(ImageFilter.GaussianBlur(float(rng.uniform(low, high))))


def gradient(size, top, bottom):
    """An image that changes from the colour `top` to the colour `bottom`."""
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
        right, top = x + rng.uniform(30, 90), rng.uniform(-0.1, 0.45) * height
        colour = dull(rng, 80, 200)
        draw.rectangle((x, top, right, ground), fill=colour)
        for left in np.arange(x + 5, right - 8, 14):
            for y in np.arange(top + 6, ground - 12, 18):
                draw.rectangle((left, y, left + 7, y + 10), fill=mix(colour, (50, 60, 80), 0.6))
        x = right
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
        if rng.uniform() < 0.4:  # a window
            draw.rectangle((x, y, x + w, y + h), fill=(222, 234, 242), outline=(240, 240, 236), width=4)
            draw.line((x + w / 2, y, x + w / 2, y + h), fill=(240, 240, 236), width=3)
        elif rng.uniform() < 0.5:  # a picture
            draw.rectangle((x, y, x + w, y + h), fill=dull(rng), outline=(60, 44, 30), width=3)
        else:
            for book in np.arange(x, x + w, 6):
                draw.rectangle((book, y + rng.uniform(0, 10), book + 5, y + 40), fill=dull(rng))
            draw.rectangle((x - 4, y + 40, x + w + 4, y + 44), fill=(90, 64, 44))
    return image


def clutter(size, rng):
    """Distant things, out of focus, and lights."""
    image = gradient(size, dull(rng, 30, 200), dull(rng, 30, 200))
    draw = ImageDraw.Draw(image)
    for _ in range(rng.integers(15, 45)):
        x, y = rng.uniform(0, size)
        w, h = rng.uniform(5, 60, 2)
        shape = draw.rectangle if rng.uniform() < 0.6 else draw.ellipse
        shape((x - w, y - h, x + w, y + h), fill=dull(rng, 20, 240))
    image = blurred(image, rng, 3, 8)
    draw = ImageDraw.Draw(image)
    for _ in range(rng.integers(0, 14)):
        x, y, r = rng.uniform(0, size[0]), rng.uniform(0, size[1]), rng.uniform(2, 7)
        draw.ellipse((x - r, y - r, x + r, y + r), fill=mix(dull(rng, 150, 255), (255, 240, 190), 0.5))
    return image


def photograph(image, rng):
    """What a camera makes of `image`, a (H, W, 3) uint8 array: slightly out of focus or in motion, too dark or too
    bright, with a colour cast, darker corners, noise and the traces of compression."""
    if rng.uniform() < 0.5:
        image = blurred(image, rng, 0.2, 1.1)
    pixels = np.asarray(image, np.float32)
    if rng.uniform() < 0.12:
        length = int(rng.integers(3, 6))  # the mean over so many steps to the right
        padded = np.pad(pixels, ((0, 0), (length - 1, 0), (0, 0)), mode="edge")
        pixels = np.floor(sum(padded[:, k:k + pixels.shape[1]] for k in range(length)) / length)
    light = rng.choice(3, p=[0.7, 0.16, 0.14])  # even, dim, bright
    gain = rng.uniform((0.85, 0.42, 1.15), (1.15, 0.75, 1.5))[light]
    pixels = pixels / 255 * (gain * rng.normal(1, 0.05, 3)).astype(np.float32)
    height, width = pixels.shape[:2]
    x, y = np.linspace(-1, 1, width, dtype=np.float32), np.linspace(-1, 1, height, dtype=np.float32)
    pixels *= (1 - np.float32(rng.uniform(0, 0.15)) * (x**2 + y[:, None] ** 2))[:, :, None]
    contrast = np.float32(rng.uniform(0.8, 1.15))
    pixels *= contrast
    pixels += 0.45 * (1 - contrast)
    noise = rng.standard_normal((height, width), np.float32)
    pixels += (noise * np.float32(0.03 * rng.uniform(0.1, 1) ** 2))[:, :, None]
    pixels = (np.clip(pixels, 0, 1, out=pixels) * 255).astype(np.uint8)
    if rng.uniform() >= 0.3:
        return pixels
    with io.BytesIO() as stream:
        Image.fromarray(pixels).save(stream, "JPEG", quality=int(rng.integers(35, 80)))
        return np.asarray(Image.open(stream).convert("RGB"))
