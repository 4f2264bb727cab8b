"""Photographs drawn by code: people with and without masks, and where their faces are."""

from .layout import write
from .scenes import Box, Scene, scene

__all__ = ["Box", "Scene", "scene", "write"]
