"""Draw a baked scene by Panda3D's own software renderer, where there is no OpenGL.

It multiplies pictures by the light of the vertices, but it has no fog and no shader. So a second picture, laid by the
distance from the camera, fades what is drawn and leaves its share in alpha, and numpy adds the fog. Cards are turned to
the camera here, and land has one grain and the mixed colour of its layers.
"""

from __future__ import annotations
