"""The shaders of the OpenGL renderer: a picture times the light that the mesh holds, and fog over it."""

from __future__ import annotations

from simulator.render.udacity.baking import gloss
from simulator.render.udacity.baking.bake import MEAN_GRAIN
from simulator.render.udacity.baking.land import LAYERS
from simulator.render.udacity.baking.light import BRIGHTEST

CARD_ALPHA = 0.33
"""Least alpha of a plant's picture that is drawn."""

SHADOWS_M, SHADOWS_FADE_M = 120.0, 24.0
"""How far from the camera shadows are drawn, and over which last part of that they fade. The distance is that of the
project's two best qualities.
"""

_PLAIN_VERTEX = """#version 150
uniform mat4 p3d_ModelViewProjectionMatrix;
in vec4 p3d_Vertex;
in vec4 p3d_Color;
out vec3 light;
"""

_VERTEX = f"""{_PLAIN_VERTEX}
#ifdef SHADOWS
uniform vec4 shadow_rows[3];
out vec3 shade;
#endif
uniform vec3 sun_color;
out float facing;
void carry() {{
  gl_Position = p3d_ModelViewProjectionMatrix * p3d_Vertex;
  facing = p3d_Color.a;
  light = p3d_Color.rgb * {BRIGHTEST:.1f} - sun_color * facing;
#ifdef SHADOWS
  shade = vec3(dot(shadow_rows[0], p3d_Vertex), dot(shadow_rows[1], p3d_Vertex), dot(shadow_rows[2], p3d_Vertex));
#endif
}}
"""

_PICTURE = """#version 150
uniform sampler2DArray pages;
uniform vec3 fog_color;
uniform vec2 fog;
in vec3 light;
out vec4 color;
void finish(vec3 surface) {
  float clear = clamp((fog.x - 1.0 / gl_FragCoord.w) * fog.y, 0.0, 1.0);
  color = vec4(mix(fog_color, min(surface, 1.0), clear), 1.0);
}
"""

_FRAGMENT = f"""{_PICTURE}
uniform vec3 sun_color;
in float facing;
#ifdef SHADOWS
uniform sampler2DShadow shadow_map;
uniform float shade_strength;
in vec3 shade;
vec3 sun() {{
  float here = clamp(({SHADOWS_M} - 1.0 / gl_FragCoord.w) * {1 / SHADOWS_FADE_M}, 0.0, 1.0);
  return sun_color * (here > 0.0 ? 1.0 - shade_strength * here * (1.0 - texture(shadow_map, shade)) : 1.0);
}}
#else
vec3 sun() {{ return sun_color; }}
#endif
"""

_STANDARD = f"""{_FRAGMENT}
uniform vec3 to_sun;
in vec4 normal;
in vec3 to_eye;
#ifdef SHADOWS
uniform vec3 to_second;
uniform vec3 second_color;
#endif
{gloss.SHADER}
vec3 seen(vec3 surface) {{
  if (normal.a > 1.002) return surface * (light + sun() * facing);
  vec3 up = normalize(normal.xyz), eye = normalize(to_eye), sunshine = sun();
  vec2 shares = standard(up, eye, to_sun, normal.a);
  vec3 scattered = light * {gloss.SCATTERED} + sunshine * shares.x, shining = sunshine * shares.y;
#ifdef SHADOWS
  vec2 second = standard(up, eye, to_second, normal.a);
  scattered += second_color * (second.x - {gloss.SCATTERED} * max(dot(up, to_second), 0.0));
  shining += second_color * second.y;
#endif
  return surface * scattered + shining;
}}
"""

_STANDARD_VERTEX = f"""{_VERTEX}
uniform mat4 p3d_ViewMatrixInverse;
in vec4 normals;
out vec4 normal;
out vec3 to_eye;
void carry_normal() {{
  normal = vec4(normals.xyz * 2.0 - {256 / 255}, normals.a * {255 / 254});
  to_eye = p3d_ViewMatrixInverse[3].xyz - p3d_Vertex.xyz;
}}
"""

SOLID = (
    f"""{_STANDARD_VERTEX}
in vec3 p3d_MultiTexCoord0;
out vec3 place;
void main() {{
  carry();
  carry_normal();
  place = p3d_MultiTexCoord0;
}}
""",
    f"""{_STANDARD}
in vec3 place;
void main() {{ finish(seen(texture(pages, place).rgb)); }}
""",
)

CUT_OUT = (
    SOLID[0],
    f"""{_STANDARD}
in vec3 place;
uniform float least_alpha;
void main() {{
  vec4 picture = texture(pages, place);
  if (picture.a < least_alpha) discard;
  finish(seen(picture.rgb));
}}
""",
)

CARDS = (
    f"""{_PLAIN_VERTEX}
uniform mat4 p3d_ViewMatrixInverse;
uniform vec3 card_light[3];
in vec2 reach;
in vec3 p3d_MultiTexCoord0;
out vec3 place;
void main() {{
  vec2 away = normalize(p3d_Vertex.xy - p3d_ViewMatrixInverse[3].xy);
  vec3 corner = p3d_Vertex.xyz + vec3(away.y, -away.x, 0.0) * reach.x + vec3(0.0, 0.0, reach.y);
  gl_Position = p3d_ModelViewProjectionMatrix * vec4(corner, 1.0);
  light = (card_light[0] + away.x * card_light[1] + away.y * card_light[2]) * p3d_Color.rgb * {BRIGHTEST:.1f};
  place = p3d_MultiTexCoord0;
}}
""",
    f"""{_PICTURE}
in vec3 place;
uniform float least_alpha;
void main() {{
  vec4 picture = texture(pages, place);
  if (picture.a < least_alpha) discard;
  finish(picture.rgb * light);
}}
""",
)

_WEIGHTS = """
in vec4 weights;
out vec2 ground;
out vec4 shares;
void carry_weights() {
  ground = p3d_Vertex.xy;
  shares = weights;
}
"""

_LAYERS = f"""
in vec2 ground;
in vec4 shares;
uniform vec3 repeats;
uniform vec3 layer_colors[{LAYERS}];
vec3 mixed() {{
  vec4 grain = texture(pages, vec3(ground * repeats.xy, repeats.z)) * shares * {255 / MEAN_GRAIN:.5f};
  vec3 color = vec3(0.0);
  for (int k = 0; k < {LAYERS}; ++k) color += grain[k] * layer_colors[k];
  return color;
}}
"""

LAND = (
    f"""{_VERTEX}{_WEIGHTS}
void main() {{
  carry();
  carry_weights();
}}
""",
    f"""{_FRAGMENT}{_LAYERS}
void main() {{ finish(mixed() * (light + sun() * facing)); }}
""",
)

ROUGH_LAND = (
    f"""{_STANDARD_VERTEX}{_WEIGHTS}
void main() {{
  carry();
  carry_normal();
  carry_weights();
}}
""",
    f"""{_STANDARD}{_LAYERS}
void main() {{ finish(seen(mixed())); }}
""",
)

SKY = (
    f"""#version 150
uniform mat4 p3d_ModelViewProjectionMatrix;
in vec4 p3d_Vertex;
in vec4 p3d_Color;
out vec3 light;
void main() {{
  gl_Position = (p3d_ModelViewProjectionMatrix * p3d_Vertex).xyww;
  light = p3d_Color.rgb * {BRIGHTEST:.1f};
}}
""",
    """#version 150
in vec3 light;
out vec4 color;
void main() { color = vec4(light, 1.0); }
""",
)

PLAIN = (
    """#version 150
uniform mat4 p3d_ModelViewProjectionMatrix;
in vec4 p3d_Vertex;
in vec4 p3d_Color;
out vec3 light;
void main() {
  gl_Position = p3d_ModelViewProjectionMatrix * p3d_Vertex;
  light = p3d_Color.rgb;
}
""",
    SKY[1],
)


def shadowed(source: tuple[str, str]) -> tuple[str, str]:
    """The same shaders, for surfaces on which shadows fall."""
    vertex, fragment = (part.replace("#version 150", "#version 150\n#define SHADOWS", 1) for part in source)
    return vertex, fragment
