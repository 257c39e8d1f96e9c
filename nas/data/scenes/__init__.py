"""Generated street scenes on which heads with different context differ in score; see docs/concepts/scenes.md."""

from nas.data.scenes.generate import SceneSet, generate
from nas.data.scenes.scene import Scene, Style, draw_scene

__all__ = ["Scene", "SceneSet", "Style", "draw_scene", "generate"]
