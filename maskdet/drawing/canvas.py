"""The canvas a person is painted on: smooth shapes given in the units of a face.

The origin is the middle of the face between the eyes and the nose, x grows to
the right and y down, and 1 is half the width of the face: ears at x = -1 and 1,
eyes near y = -0.2, chin near y = 1.35.
"""

import functools
import math
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter


def mix(first, second, share):
    """The colour `share` (0 to 1) of the way from `first` to `second`, as a tuple of ints."""
    first, second = np.asarray(first, float), np.asarray(second, float)
    return tuple(int(c) for c in np.clip(first + (second - first) * share, 0, 255))


def shade(colour, factor):
    """`colour` made darker (`factor` < 1) or lighter (> 1), as a tuple of ints."""
    return tuple(int(c) for c in np.clip(np.asarray(colour, float) * factor, 0, 255))


@functools.cache
def spline(steps):
    """(steps, 4) weights of four neighbouring points along a Catmull-Rom spline."""
    t = (np.arange(steps) / steps)[:, None]
    return 0.5 * np.hstack([-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3,
                            -(t**2) + t**3])


@functools.cache
def neighbours(count, closed):
    """For every stretch of a curve of `count` points the four points that shape it."""
    start = np.arange(count if closed else count - 1)[:, None] + np.arange(-1, 3)
    return start % count if closed else np.minimum(np.maximum(start, 0), count - 1)


def curve(points, *, closed=True, steps=5):
    """(n, 2) points of a smooth curve through the given ones (Catmull-Rom)."""
    p = np.asarray(points, float)
    path = (spline(steps) @ p[neighbours(len(p), closed)]).reshape(-1, 2)
    return path if closed else np.concatenate([path, p[-1:]])


def mirrored(half):
    """A closed outline, symmetric in x, from its right half listed from top to bottom."""
    half = np.asarray(half, float)
    return np.vstack([half, half[::-1] * (-1, 1)])


@functools.cache
def circle(count):
    """(count, 2) points of the unit circle."""
    angle = 2 * np.pi * np.arange(count) / count
    return np.stack([np.cos(angle), np.sin(angle)], 1)


def ellipse(x, y, rx, ry, *, turn=0.0, count=24):
    """(count, 2) points of an ellipse turned by `turn` radians."""
    points = circle(count) * (rx, ry)
    if turn:
        c, s = math.cos(turn), math.sin(turn)
        points = points @ np.array([[c, s], [-s, c]])
    return points + (x, y)


def ribbon(points, width, *, taper=0.0):
    """A closed outline around a smooth line; `taper` (0 to 1) thins its ends."""
    path = curve(points, closed=False, steps=4)
    along = np.empty_like(path)
    along[1:-1] = path[2:] - path[:-2]
    along[0], along[-1] = path[1] - path[0], path[-1] - path[-2]
    length = np.sqrt((along**2).sum(1)) + 1e-9
    reach = width / 2 * (1 - taper * np.linspace(-1, 1, len(path)) ** 2) / length
    reach = along[:, ::-1] * (-1, 1) * reach[:, None]
    return np.concatenate([path + reach, (path - reach)[::-1]])


@dataclass(frozen=True)
class Pose:
    """Where a head is in the photograph (pixels) and how it is turned (radians)."""

    x: float
    y: float
    half: float  # half the width of the face, in pixels
    roll: float = 0.0
    yaw: float = 0.0
    pitch: float = 0.0

    def place(self, points, *, turned=True, depth=0.0):
        """Pixels of the photograph for (n, 2) points in the units of the face.

        `turned` points lie on the head and turn with it, `depth` in front of its
        surface; the others (a body) only move with it.
        """
        points = np.asarray(points, float)
        if not turned:
            return points * self.half + (self.x, self.y)
        x, y = points[:, 0], points[:, 1]
        bulge = np.sqrt(np.maximum(1 - (x / 1.05) ** 2 - 0.25 * (y / 1.7) ** 2, 0)) + depth
        x = x * math.cos(self.yaw) + bulge * math.sin(self.yaw)
        y = y * math.cos(self.pitch) + bulge * math.sin(self.pitch)
        c, s = self.half * math.cos(self.roll), self.half * math.sin(self.roll)
        pixels = np.empty_like(points)
        pixels[:, 0], pixels[:, 1] = self.x + x * c - y * s, self.y + x * s + y * c
        return pixels


class Canvas:
    """The part of a photograph around one person, enlarged so that edges come out soft."""

    def __init__(self, photograph, pose):
        """`photograph` is an RGB `PIL.Image`; `pose` places the person in it."""
        self.photograph, self.pose = photograph, pose
        self.zoom = 2 if pose.half > 18 else 3
        reach = np.array([(-3.2, -3.0), (3.2, 15)]) * pose.half + (pose.x, pose.y)
        limit = np.array(photograph.size)
        self.corner = np.clip(np.floor(reach[0]), 0, limit - 1).astype(int)
        end = np.clip(np.ceil(reach[1]), self.corner + 1, limit).astype(int)
        self.frame = (*self.corner, *end)
        size = (end - self.corner) * self.zoom
        self.image = photograph.crop(self.frame).resize(tuple(size), Image.Resampling.BILINEAR)
        self.figure = Image.new("L", tuple(size))

    def extent(self, *outlines, **placing):
        """(left, top, right, bottom) in pixels of the photograph around the outlines."""
        pixels = np.vstack([self.pose.place(o, **placing) for o in outlines])
        return (*pixels.min(0), *pixels.max(0))

    def paint(self, outline, colour, *, alpha=1.0, soft=0.0, within=None, turned=True, depth=0.0):
        """Fill a closed outline; `soft` blurs its edge, `within` is an outline that clips it."""
        def place(points):
            return (self.pose.place(points, turned=turned, depth=depth) - self.corner) * self.zoom

        pixels, (width, height) = place(outline), self.image.size
        blur = soft * self.pose.half * self.zoom
        (left, top), (right, bottom) = pixels.min(0).tolist(), pixels.max(0).tolist()
        if max(right - left, bottom - top) < self.zoom:  # less than a pixel, nobody sees it
            return
        window = (max(int(left - 2 * blur - 1), 0), max(int(top - 2 * blur - 1), 0),
                  min(int(right + 2 * blur + 2), width), min(int(bottom + 2 * blur + 2), height))
        if window[0] >= window[2] or window[1] >= window[3]:
            return
        stencil = self._stencil(pixels, window, fill=round(255 * alpha))
        if blur > 0.3:
            stencil = stencil.filter(ImageFilter.BoxBlur(1.5 * blur))
        if within is not None:
            stencil = ImageChops.multiply(stencil, self._stencil(place(within), window))
        self.image.paste(tuple(colour), window, stencil)
        if alpha == 1 and within is None:
            self.figure.paste(255, window, stencil)

    @staticmethod
    def _stencil(pixels, window, *, fill=255):
        left, top, right, bottom = window
        stencil = Image.new("L", (right - left, bottom - top))
        ImageDraw.Draw(stencil).polygon((pixels - (left, top)).ravel().tolist(), fill=fill)
        return stencil

    def finish(self, direction, strength, *, rng, blur=0.0):
        """Light the person and put them into the photograph, out of focus by `blur` pixels.

        The figure is lit as if it were egg-shaped, from `direction` (3,).
        """
        image, figure = self.image.reduce(self.zoom), self.figure.reduce(self.zoom)
        bounds = figure.getbbox()
        if bounds:
            part = np.asarray(image.crop(bounds), np.float32)
            gain = self._gain(bounds, direction, strength, rng) - 1
            gain *= np.asarray(figure.crop(bounds), np.float32) / 255
            part = np.clip(part * (1 + gain[:, :, None]), 0, 255).astype(np.uint8)
            image.paste(Image.fromarray(part), bounds[:2])
        if blur > 0:
            image = image.filter(ImageFilter.GaussianBlur(blur))
        self.photograph.paste(image, self.frame[:2])

    def _gain(self, bounds, direction, strength, rng):
        """How light or dark each pixel gets, with the blotches of skin and cloth."""
        left, top, right, bottom = bounds
        across = (np.arange(left, right) + self.corner[0] - self.pose.x) / self.pose.half / 1.35
        down = (np.arange(top, bottom) + self.corner[1] - self.pose.y) / self.pose.half / 2.1
        u = np.clip(across, -1, 1).astype(np.float32)[None, :]
        v = np.clip(down, -1, 1).astype(np.float32)[:, None]
        front = np.sqrt(np.maximum(1 - u**2 - v**2, np.float32(0.04)))
        x, y, z = (float(d) for d in direction)
        lit = (u * x + v * y + front * z) / np.sqrt(u**2 + v**2 + front**2)
        gain = 1 - strength + strength * 1.35 * np.clip(lit, -0.2, 1)
        blotches = Image.fromarray(rng.normal(0, 0.03, (14, 14)).astype(np.float32))
        return gain + np.asarray(blotches.resize(gain.shape[::-1], Image.Resampling.BICUBIC))
