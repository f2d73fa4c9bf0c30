"""GLSL of the 3D view, in version 1.20: every desktop driver compiles it."""

from __future__ import annotations

_DITHER = """
// Breaks up the bands that 8 bits show in slow gradients.
float dither(vec2 pixel) {
    return (fract(sin(dot(pixel, vec2(12.9898, 78.233))) * 43758.5453) - 0.5) / 255.0;
}
"""

BACKDROP_VERTEX = """
attribute vec2 a_corner;
varying vec2 v_place;
void main() {
    v_place = a_corner * 0.5 + 0.5;
    gl_Position = vec4(a_corner, 0.0, 1.0);
}
"""

BACKDROP_FRAGMENT = (
    """
uniform vec3 u_top;
uniform vec3 u_bottom;
varying vec2 v_place;
"""
    + _DITHER
    + """
void main() {
    vec2 off = v_place - vec2(0.5, 0.55);
    float glow = 1.0 - smoothstep(0.0, 0.75, length(off));
    vec3 colour = mix(u_bottom, u_top, v_place.y) + 0.035 * glow;
    gl_FragColor = vec4(colour + dither(gl_FragCoord.xy), 1.0);
}
"""
)

GROUND_VERTEX = """
attribute vec2 a_place;
uniform mat4 u_view_projection;
uniform vec2 u_centre;
uniform float u_radius;
varying vec2 v_ground;
void main() {
    v_ground = u_centre + a_place * u_radius;
    gl_Position = u_view_projection * vec4(v_ground.x, 0.0, v_ground.y, 1.0);
}
"""

GROUND_FRAGMENT = """
uniform vec3 u_line;
uniform vec3 u_floor;
uniform vec3 u_axis_x;
uniform vec3 u_axis_z;
uniform vec3 u_shadow_colour;
uniform float u_shadow_strength;
uniform vec2 u_centre;
uniform float u_radius;
uniform float u_thick;      // px of a thin line
uniform vec4 u_shadow_box;  // x, z of a corner, 1 / size
uniform sampler2D u_shadow;
varying vec2 v_ground;

float lines(vec2 place, vec2 width) {
    vec2 away = abs(fract(place - 0.5) - 0.5) / width;
    vec2 on = clamp(u_thick * 0.5 + 0.5 - away, 0.0, 1.0) / max(vec2(1.0), width * 6.0);
    return max(on.x, on.y);
}

void main() {
    float fade = 1.0 - smoothstep(0.15, 1.0, length(v_ground - u_centre) / u_radius);
    vec2 width = fwidth(v_ground);
    float fine = lines(v_ground / 250.0, width / 250.0) * 0.36;
    float coarse = lines(v_ground / 1000.0, width / 1000.0) * 0.8;
    float on = max(fine, coarse);
    vec3 colour = u_line;
    vec2 axis = clamp(u_thick * 0.75 + 0.5 - abs(v_ground) / max(width, vec2(1e-4)), 0.0, 1.0);
    colour = mix(colour, u_axis_x, axis.y);
    colour = mix(colour, u_axis_z, axis.x);
    on = max(on, 0.85 * max(axis.x, axis.y));
    float floor_alpha = 0.55 * fade;
    float alpha = mix(floor_alpha, 1.0, on) * fade;
    colour = mix(u_floor, colour, on / max(on + floor_alpha * (1.0 - on), 1e-4));
    vec2 at = (v_ground - u_shadow_box.xy) * u_shadow_box.zw;
    float inside = step(0.0, at.x) * step(at.x, 1.0) * step(0.0, at.y) * step(at.y, 1.0);
    float dark = texture2D(u_shadow, at).r * inside * u_shadow_strength;
    // Shadow over ground, as one layer.
    float both = dark + alpha * (1.0 - dark);
    colour = (u_shadow_colour * dark + colour * alpha * (1.0 - dark)) / max(both, 1e-4);
    gl_FragColor = vec4(colour, both);
}
"""

BODY_VERTEX = """
attribute vec3 a_position;
attribute vec3 a_normal;
attribute vec3 a_colour;
uniform mat4 u_view_projection;
uniform mat4 u_view;
varying vec3 v_normal;
varying vec3 v_eye;
varying vec3 v_colour;
varying float v_height;
void main() {
    v_normal = (u_view * vec4(a_normal, 0.0)).xyz;
    v_eye = -(u_view * vec4(a_position, 1.0)).xyz;
    v_colour = a_colour;
    v_height = a_position.y;
    gl_Position = u_view_projection * vec4(a_position, 1.0);
}
"""

BODY_FRAGMENT = """
uniform vec3 u_sky;
uniform vec3 u_earth;
uniform vec3 u_up;       // world up, in view space
uniform float u_shine;
varying vec3 v_normal;
varying vec3 v_eye;
varying vec3 v_colour;
varying float v_height;

const vec3 KEY = vec3(-0.4369, 0.6415, 0.6305);
const vec3 FILL = vec3(0.8242, 0.0999, 0.5574);

void main() {
    vec3 n = normalize(v_normal);
    vec3 e = normalize(v_eye);
    float key = dot(n, KEY);
    float lit = smoothstep(-0.35, 1.0, key);  // wrapped: no hard terminator
    float fill = max(dot(n, FILL), 0.0);
    vec3 ambient = mix(u_earth, u_sky, 0.5 + 0.5 * dot(n, u_up));
    ambient *= 0.62 + 0.38 * smoothstep(-40.0, 420.0, v_height);  // the ground takes light away
    float rim = 1.0 - max(dot(n, e), 0.0);
    rim *= rim * rim;
    float gloss = pow(max(dot(n, normalize(KEY + e)), 0.0), 42.0);
    vec3 colour = v_colour * (ambient + 0.82 * lit + 0.16 * fill);
    colour += rim * 0.22 * u_sky + gloss * u_shine;
    gl_FragColor = vec4(sqrt(clamp(colour, 0.0, 1.0)), 1.0);  // light adds up linearly
}
"""

GHOST_FRAGMENT = """
uniform float u_alpha;
uniform vec3 u_tint;
varying vec3 v_normal;
varying vec3 v_eye;
varying vec3 v_colour;
varying float v_height;
void main() {
    float rim = 1.0 - max(dot(normalize(v_normal), normalize(v_eye)), 0.0);
    vec3 colour = mix(sqrt(v_colour), u_tint, 0.35 + 0.25 * rim);
    gl_FragColor = vec4(colour, u_alpha * (0.35 + 1.15 * rim * rim));
}
"""

COPY_FRAGMENT = """
uniform sampler2D u_picture;
varying vec2 v_place;
void main() {
    gl_FragColor = vec4(texture2D(u_picture, v_place).rgb, 1.0);
}
"""
