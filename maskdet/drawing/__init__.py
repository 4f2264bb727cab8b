"""Photographs drawn by code: people with and without masks, and where their faces are."""

from .layout import write
from .scenes import BEFORE, Box, Scene, scene

__all__ = ["BEFORE", "Box", "Scene", "scene", "write"]
