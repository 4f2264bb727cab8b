"""Photographs drawn by code: people with and without masks, and the boxes of their faces."""

from .layout import write
from .scenes import BEFORE, Box, Scene, scene
