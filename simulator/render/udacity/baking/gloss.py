"""How Unity's standard shader answers the sun: less to one side than to another, and with gloss above the colour.

Source: BRDF1_Unity_PBS of Unity 5.5's built-in shaders, in gamma space. The scattered part is Burley's (Physically
Based Shading at Disney, 2012), the gloss is GGX with Smith's joint visibility, and its Fresnel term is Schlick's. A
surface without metal reflects REFLECTED of the light that falls straight on it and gives its colour the rest.
"""

from __future__ import annotations

import numpy as np

from simulator.render.udacity.baking.light import BRIGHTEST
from simulator.render.udacity.baking.tiles import Mesh
from simulator.unity.unity_scene import Bytes, Floats, Light

REFLECTED = 0.220916301
SCATTERED = 1 - REFLECTED

MATTE = 255
"""What the shaders take for a surface that has no roughness, because it scatters alike to all sides."""

USUAL_SCATTERED, USUAL_GLOSS = 0.85, 0.17
"""About what both shares are for a level, rough surface that is seen from a car, relative to the cosine of the sun's
angle. A renderer without shaders takes them for all views.
"""

SHADER = f"""
vec2 standard(vec3 normal, vec3 to_eye, vec3 to_sun, float roughness) {{
  float a = roughness * roughness;
  float up = dot(normal, to_sun), nl = max(up, 0.0), nv = abs(dot(normal, to_eye)), lv = dot(to_sun, to_eye);
  float lh2 = 0.5 + 0.5 * lv;
  float nh = clamp((up + dot(normal, to_eye)) * inversesqrt(max(2.0 + 2.0 * lv, 1e-6)), 0.0, 1.0);
  float visible = 0.5 / (nl * (nv * (1.0 - a) + a) + nv * (nl * (1.0 - a) + a) + 1e-5);
  float spread = nh * nh * (a * a - 1.0) + 1.0;
  float fresnel = 1.0 - sqrt(lh2), from_sun = 1.0 - nl, from_eye = 1.0 - nv;
  vec3 fifth = vec3(fresnel, from_sun, from_eye);
  fifth *= fifth * fifth * fifth * fifth;
  float gloss = sqrt(max(visible * a * a / (spread * spread), 1e-4)) * ({REFLECTED} + {SCATTERED} * fifth.x);
  float burley = 2.0 * lh2 * roughness - 0.5;
  return nl * vec2({SCATTERED} * (1.0 + burley * fifth.y) * (1.0 + burley * fifth.z), gloss);
}}
"""
"""The shares of the sun's light that a surface's colour is multiplied by, and that are added."""


def standard(normals: Floats, to_eye: Floats, to_sun: Floats, roughness: float) -> tuple[Floats, Floats]:
    """The same two shares, each (n,). normals, to_eye: unit vectors (n, 3); to_sun: one (3,)."""
    a = roughness * roughness
    up, eye, towards = normals @ to_sun, (normals * to_eye).sum(-1), to_eye @ to_sun
    nl, nv, lh2 = np.maximum(up, 0), np.abs(eye), 0.5 + 0.5 * towards
    nh = ((up + eye) / np.sqrt(np.maximum(2 + 2 * towards, 1e-6))).clip(0, 1)
    visible = 0.5 / (nl * (nv * (1 - a) + a) + nv * (nl * (1 - a) + a) + 1e-5)
    spread = nh * nh * (a * a - 1) + 1
    fresnel = REFLECTED + SCATTERED * (1 - np.sqrt(lh2)) ** 5
    gloss = np.sqrt(np.maximum(visible * a * a / spread**2, 1e-4)) * fresnel
    burley = 2 * lh2 * roughness - 0.5
    scattered = SCATTERED * (1 + burley * (1 - nl) ** 5) * (1 + burley * (1 - nv) ** 5)
    return nl * scattered, nl * gloss


def as_normal_bytes(normals: Floats, roughness: float | None) -> np.ndarray:
    """Normals (n, 3) and the roughness as a mesh holds them: uint8 (n, 4)."""
    packed = np.full((len(normals), 4), MATTE if roughness is None else round(roughness * (MATTE - 1)), np.uint8)
    packed[:, :3] = (normals * 127.5 + 128).clip(0, 255)
    return packed


def usual_light(mesh: Mesh, surface: Floats, sun: Light) -> Bytes:
    """Colours (n, 4) of a mesh by which it looks about as the standard shader makes it. surface: its own, 0..1."""
    color, packed = mesh.columns["color"], mesh.columns["normals"]
    gloss = USUAL_GLOSS * color[:, 3:] / BRIGHTEST * np.array(sun.color) / np.maximum(surface, 0.05)
    lit = color.astype(np.float32)
    lit[:, :3] = (USUAL_SCATTERED * lit[:, :3] + gloss + 0.5).clip(0, 255)
    return np.where(packed[:, 3:] == MATTE, color, lit.astype(np.uint8))
