"""The canvas that a person is painted on, and its smooth shapes, in units of the face.

The origin is the middle of the face, between the eyes and the nose; x grows to the right and y down; 1 is half the
width of the face: the ears are at x = -1 and 1, the eyes near y = -0.2, the chin near y = 1.35.
"""

import functools
import math
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

WHITE = (255, 255, 255)


def rgb(values):
    """A colour as a tuple of three ints, from three numbers of 0 to 255."""
    return tuple(np.asarray(values).astype(int).tolist())


def mix(first, second, share):
    """The colour `share` (0 to 1) of the way from `first` to `second`."""
    first, second = np.asarray(first, float), np.asarray(second, float)
    return rgb(np.clip(first + (second - first) * share, 0, 255))


def shade(colour, factor):
    """`colour`, darker (`factor` < 1) or lighter (> 1)."""
    return mix((0, 0, 0), colour, factor)


@functools.cache
def spline(steps):
    """(steps, 4) weights of four neighbouring points along a Catmull-Rom spline."""
    t = (np.arange(steps) / steps)[:, None]
    return 0.5 * np.hstack([-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, -(t**2) + t**3])


def curve(points, *, closed=True, steps=5, side=1):
    """(n, 2) points of a smooth curve through `points` (Catmull-Rom); with `side` -1, of its mirror image."""
    points = np.array(points, float) * (side, 1)
    four = np.arange(len(points) if closed else len(points) - 1)[:, None] + np.arange(-1, 3)  # that shape each segment
    path = (spline(steps) @ points.take(four, axis=0, mode="wrap" if closed else "clip")).reshape(-1, 2)
    return path if closed else np.concatenate([path, points[-1:]])


def symmetric(half, *, steps=5):
    """A smooth closed outline, symmetric in x, from its right half, listed from top to bottom."""
    half = np.array(half, float)
    return curve(np.vstack([half, half[::-1] * (-1, 1)]), steps=steps)


def ellipse(x, y, rx, ry, *, turn=0.0, count=24):
    """(count, 2) points of an ellipse, rotated by `turn` radians."""
    angle, c, s = 2 * np.pi * np.arange(count) / count, math.cos(turn), math.sin(turn)
    return np.stack([rx * np.cos(angle), ry * np.sin(angle)], 1) @ np.array([[c, s], [-s, c]]) + (x, y)


def ring(outer, inner):
    """A closed outline of what lies between two closed outlines."""
    return np.vstack([outer, outer[:1], inner[::-1]])


def ribbon(points, width, *, taper=0.0, side=1):
    """A closed outline around a smooth curve, thinner at its ends by `taper` (0 to 1); mirrored with `side` -1."""
    path = curve(points, closed=False, steps=4, side=side)
    padded = np.concatenate([path[:1], path, path[-1:]])
    along = padded[2:] - padded[:-2]
    reach = width / 2 * (1 - taper * np.linspace(-1, 1, len(path)) ** 2) / (np.linalg.norm(along, axis=1) + 1e-9)
    across = along[:, ::-1] * (-1, 1) * reach[:, None]
    return np.concatenate([path + across, (path - across)[::-1]])


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
        """Pixels of the photograph for (n, 2) points in units of the face. Points that are `turned` lie on the head,
        `depth` in front of its surface, and turn with it. Others, such as those of the body, only move with it."""
        points = np.asarray(points, float)
        if not turned:
            return points * self.half + (self.x, self.y)
        x, y = points.T
        bulge = np.sqrt(np.maximum(1 - (x / 1.05) ** 2 - 0.25 * (y / 1.7) ** 2, 0)) + depth
        x = x * math.cos(self.yaw) + bulge * math.sin(self.yaw)
        y = y * math.cos(self.pitch) + bulge * math.sin(self.pitch)
        c, s = self.half * math.cos(self.roll), self.half * math.sin(self.roll)
        return np.stack([self.x + x * c - y * s, self.y + x * s + y * c], axis=1)


class Canvas:
    """The part of a photograph around a person, enlarged so that edges become smooth."""

    def __init__(self, photograph, pose):
        """`photograph` is an RGB `PIL.Image`; `pose` places the person in it."""
        self.photograph, self.pose = photograph, pose
        self.zoom = 2 if pose.half > 18 else 3
        start, end = np.array([(-3.2, -3.0), (3.2, 15)]) * pose.half + (pose.x, pose.y)
        self.corner = np.clip(np.floor(start), 0, np.array(photograph.size) - 1).astype(int)
        end = np.clip(np.ceil(end), self.corner + 1, photograph.size).astype(int)
        self.frame, size = (*self.corner, *end), tuple((end - self.corner) * self.zoom)
        self.image = photograph.crop(self.frame).resize(size, Image.Resampling.BILINEAR)
        self.figure = Image.new("L", size)  # where the person is

    def extent(self, *outlines):
        """(left, top, right, bottom) in pixels of the photograph around the outlines."""
        pixels = self.pose.place(np.vstack(outlines))
        return (*pixels.min(0), *pixels.max(0))

    def paint(self, outline, colour, *, alpha=1.0, soft=0.0, within=None, turned=True, depth=0.0):
        """Fill a closed outline; `soft` blurs its edge, `within` is an outline that clips it."""
        def place(points):
            return (self.pose.place(points, turned=turned, depth=depth) - self.corner) * self.zoom

        pixels, (width, height) = place(outline), self.image.size
        blur = soft * self.pose.half * self.zoom
        (left, top), (right, bottom) = pixels.min(0).tolist(), pixels.max(0).tolist()
        if max(right - left, bottom - top) < self.zoom:  # smaller than a pixel of the photograph
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
        """Put the person into the photograph, lit from `direction` (3,) like an egg, blurred by `blur` pixels."""
        image, figure = self.image.reduce(self.zoom), self.figure.reduce(self.zoom)
        bounds = figure.getbbox()
        if bounds:
            gain = self._gain(bounds, direction, strength, rng) - 1
            gain *= np.asarray(figure.crop(bounds), np.float32) / 255
            lit = np.asarray(image.crop(bounds), np.float32) * (1 + gain[:, :, None])
            image.paste(Image.fromarray(np.clip(lit, 0, 255).astype(np.uint8)), bounds[:2])
        if blur > 0:
            image = image.filter(ImageFilter.GaussianBlur(blur))
        self.photograph.paste(image, self.frame[:2])

    def _gain(self, bounds, direction, strength, rng):
        """The factor of each pixel's brightness: the light, and the blotches of skin and cloth."""
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
