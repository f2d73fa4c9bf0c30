"""What the 3D view draws: figures, ghosts, ground and shadow, with vispy's gloo and no Qt.

A `Scene` belongs to the GL context that is current when it first draws. Buffers are made once and
refilled; nothing is built anew while a joint is dragged.
"""

from __future__ import annotations

import cv2
import numpy as np
from vispy import gloo

from poseapp.core.camera import Camera
from poseapp.core.palette import JOINT_COLOURS
from poseapp.core.skeleton import COCO_17, MOCAP_17
from poseapp.ui.viewport import figure, shaders
from poseapp.ui.viewport.themes import DARK, Theme

_SHADOW_PX = 128
_FAR_SHADOW_PX = 48
_BONES = np.array(MOCAP_17.bones)
_GROUND_CORNERS = 48
_MIN_GROUND_MM = 2600.0


class _Bodies:
    """A batch of figures in one vertex buffer. Its layout changes only with the number of them."""

    def __init__(self, fragment: str, detail: figure.Detail, balls: bool, girth: float) -> None:
        self._program = gloo.Program(shaders.BODY_VERTEX, fragment)
        self._detail, self._balls, self._girth = detail, balls, girth
        self._positions = gloo.VertexBuffer(np.zeros((1, 3), np.float32))
        self._normals = gloo.VertexBuffer(np.zeros((1, 3), np.float32))
        self._colours = gloo.VertexBuffer(np.zeros((1, 3), np.float32))
        self._indices = gloo.IndexBuffer()
        self._program["a_position"] = self._positions
        self._program["a_normal"] = self._normals
        self._program["a_colour"] = self._colours
        self._palette = np.zeros((2 * len(MOCAP_17), 3), np.float32)
        self._count = 0

    def set_joints(self, joints: np.ndarray) -> None:
        """Stand up N figures; (N, 17, 3) mm, world space."""
        mesh = figure.build(joints, self._detail, self._balls, self._girth) if len(joints) else None
        if len(joints) != self._count:
            self._count = len(joints)
            self._paint()
            if self._count:
                self._indices.set_data(figure.triangles(self._count, self._detail, self._balls))
        if mesh is not None:
            self._positions.set_data(mesh.positions)
            self._normals.set_data(mesh.normals)

    def set_palette(self, palette: np.ndarray) -> None:
        """(34, 3) linear RGB, as `figure.paint` takes it."""
        self._palette = palette.astype(np.float32)
        self._paint()

    def _paint(self) -> None:
        if self._count:
            self._colours.set_data(
                figure.paint(self._palette, self._count, self._detail, self._balls)
            )

    def draw(self, **uniforms: object) -> None:
        if not self._count:
            return
        for name, value in uniforms.items():
            self._program[name] = value
        self._program.draw("triangles", self._indices)


class Scene:
    """The figures and the room they stand in.

    Everything is in world space: mm, y up, the ground at y = 0.
    """

    def __init__(self, theme: Theme = DARK) -> None:
        corners = np.array([(-1, -1), (1, -1), (-1, 1), (1, 1)], np.float32)
        self._backdrop = gloo.Program(shaders.BACKDROP_VERTEX, shaders.BACKDROP_FRAGMENT)
        self._backdrop["a_corner"] = gloo.VertexBuffer(corners)
        self._ground = gloo.Program(shaders.GROUND_VERTEX, shaders.GROUND_FRAGMENT)
        angle = np.linspace(0, 2 * np.pi, _GROUND_CORNERS, endpoint=False)
        rim = np.stack([np.cos(angle), np.sin(angle)], 1) / np.cos(np.pi / _GROUND_CORNERS)
        fan = np.concatenate([[(0, 0)], rim, rim[:1]]).astype(np.float32)
        self._ground["a_place"] = gloo.VertexBuffer(fan)
        self._shadow = gloo.Texture2D(
            np.zeros((_SHADOW_PX, _SHADOW_PX), np.uint8),
            format="luminance",
            interpolation="linear",
            wrapping="clamp_to_edge",
        )
        self._ground["u_shadow"] = self._shadow
        self._bodies = _Bodies(shaders.BODY_FRAGMENT, figure.FINE, balls=True, girth=1.0)
        self._ghosts = _Bodies(shaders.GHOST_FRAGMENT, figure.COARSE, balls=False, girth=0.8)
        self._joints = np.zeros((0, len(MOCAP_17), 3))
        self.show_ghosts = True
        self.set_theme(theme)
        self.set_figures(self._joints, self._joints)

    @property
    def joints(self) -> np.ndarray:
        """(N, 17, 3) mm, world space: the figures in front."""
        return self._joints

    def set_theme(self, theme: Theme) -> None:
        """Change all colours."""
        self._theme = theme
        self._backdrop["u_top"] = theme.top
        self._backdrop["u_bottom"] = theme.bottom
        red, blue = np.array([0.93, 0.40, 0.36]), np.array([0.36, 0.56, 0.96])
        line = np.array(theme.line)
        self._ground["u_axis_x"] = tuple(0.45 * line + 0.55 * red)
        self._ground["u_axis_z"] = tuple(0.45 * line + 0.55 * blue)
        self._ground["u_line"] = theme.line
        self._ground["u_floor"] = theme.floor
        self._ground["u_shadow_colour"] = theme.shadow
        self._ground["u_shadow_strength"] = theme.shadow_strength
        palette = self._palette(theme)
        self._bodies.set_palette(palette)
        self._ghosts.set_palette(palette)

    @staticmethod
    def _palette(theme: Theme) -> np.ndarray:
        """The canvas' colours for arms and legs, a neutral one for trunk and head."""
        neutral = np.array(theme.neutral)
        limbs, balls = [], []
        for joint, name in enumerate(MOCAP_17.joints):
            side = MOCAP_17.side(joint)
            if side == "middle":
                limbs.append(neutral)
                balls.append(0.82 * neutral + 0.18)
            else:
                coco = COCO_17.index(f"{side}_{name[2:].lower()}")
                colour = JOINT_COLOURS[coco] / 255.0
                limbs.append(colour)
                balls.append(0.6 * colour + 0.4)
        return np.array(limbs + balls) ** 2  # the shader lights in linear colour

    def set_figures(self, joints: np.ndarray, ghosts: np.ndarray) -> None:
        """Show other figures, in place.

        Args:
            joints: (N, 17, 3) mm, world space.
            ghosts: (M, 17, 3) mm, world space: the other hypotheses, drawn behind.
        """
        self._joints = np.asarray(joints, float)
        self._bodies.set_joints(self._joints)
        self._ghosts.set_joints(np.asarray(ghosts, float))
        self._cast_shadow()

    def _cast_shadow(self) -> None:
        if not len(self._joints):
            self._shadow.set_data(np.zeros((_SHADOW_PX, _SHADOW_PX), np.uint8))
            self._ground["u_shadow_box"] = (0.0, 0.0, 1e-6, 1e-6)
            self._ground["u_centre"] = (0.0, 0.0)
            self._ground["u_radius"] = _MIN_GROUND_MM
            return
        flat = self._joints[:, :, [0, 2]].reshape(-1, 2)
        low, high = flat.min(0) - 420, flat.max(0) + 420
        size = float((high - low).max())
        corner = (low + high - size) / 2
        self._shadow.set_data(shadow_map(self._joints, corner, size))
        self._ground["u_shadow_box"] = (*corner, 1 / size, 1 / size)
        self._ground["u_centre"] = tuple((low + high) / 2)
        self._ground["u_radius"] = max(_MIN_GROUND_MM, 1.6 * size)

    def draw(self, camera: Camera, size: tuple[int, int], line_px: float = 1.0) -> None:
        """Draw into the bound framebuffer.

        Args:
            size: (width, height) physical px.
            line_px: width of the ground's lines.
        """
        width, height = size
        view = view_matrix(camera)
        # gloo reads matrices row by row, GLSL column by column: transpose.
        both = (projection_matrix(camera, width / max(height, 1)) @ view).T.astype(np.float32)
        gloo.set_viewport(0, 0, width, height)
        gloo.set_state(depth_test=False, blend=False, cull_face=False)
        gloo.set_depth_mask(True)
        gloo.clear(color=(*self._theme.bottom, 1.0), depth=True)
        self._backdrop.draw("triangle_strip")
        gloo.set_state(blend=True, blend_func=("src_alpha", "one_minus_src_alpha", "one", "one"))
        self._ground["u_view_projection"] = both
        self._ground["u_thick"] = line_px
        self._ground.draw("triangle_fan")
        shared = {"u_view": view.T.astype(np.float32), "u_view_projection": both}
        theme = self._theme
        if self.show_ghosts:
            gloo.set_state(cull_face=True)
            gloo.set_cull_face("back")
            self._ghosts.draw(**shared, u_alpha=theme.ghost_alpha, u_tint=theme.ghost_tint)
        # Depth is untouched so far, so the sure figure stands in front of its ghosts.
        gloo.set_state(depth_test=True, blend=False, cull_face=True)
        gloo.set_cull_face("back")
        up = tuple(view[:3, 1].astype(float))
        self._bodies.draw(**shared, u_sky=theme.sky, u_earth=theme.earth, u_up=up, u_shine=0.10)


def view_matrix(camera: Camera) -> np.ndarray:
    """(4, 4): world space to OpenGL's eye space (x right, y up, z back), column vectors."""
    matrix = np.eye(4)
    matrix[:3, :3] = camera.rotation * [[1.0], [-1.0], [-1.0]]
    matrix[:3, 3] = -matrix[:3, :3] @ camera.position
    return matrix


def projection_matrix(camera: Camera, aspect: float) -> np.ndarray:
    """(4, 4): eye space to clip space, column vectors; `aspect` is width / height."""
    # Depth may have 16 bits only: spend them on where figures are.
    near, far = max(10.0, camera.distance * 0.12), camera.distance + 30_000.0
    focal = 1 / np.tan(camera.fov / 2)
    matrix = np.zeros((4, 4))
    matrix[0, 0], matrix[1, 1] = focal / aspect, focal
    matrix[2, 2:] = (far + near) / (near - far), 2 * far * near / (near - far)
    matrix[3, 2] = -1.0
    return matrix


def shadow_map(joints: np.ndarray, corner: np.ndarray, size: float) -> np.ndarray:
    """Soft shadows of figures on the ground, as if light came from a wide sky.

    Args:
        joints: (N, 17, 3) mm, world space.
        corner: (2,) mm, x and z of the map's first pixel; `size`: mm, its side.
    Returns:
        (S, S) uint8, row = z, column = x; 255 = darkest.
    """
    scale = figure.figure_scale(joints)
    near = np.zeros((_SHADOW_PX, _SHADOW_PX), np.uint8)
    far = np.zeros((_FAR_SHADOW_PX, _FAR_SHADOW_PX), np.uint8)  # so soft that few pixels do
    for body, girth in zip(joints, scale, strict=True):
        place = (body[:, [0, 2]] - corner) / size
        level = np.maximum(body[:, 1] / girth, 0.0)
        level = np.minimum(level[_BONES[:, 0]], level[_BONES[:, 1]])
        thick = 105 * float(girth) / size
        _stroke(near, place, 255 * np.exp(-level / 170), 0.75 * thick)
        _stroke(far, place, 255 * np.exp(-level / 1400), thick)
    blur = float(scale.mean()) / size
    near = cv2.GaussianBlur(near, (0, 0), max(0.8, 26 * blur * _SHADOW_PX))
    far = cv2.GaussianBlur(far, (0, 0), max(0.8, 95 * blur * _FAR_SHADOW_PX))
    far = cv2.resize(far, near.shape, interpolation=cv2.INTER_CUBIC)
    return cv2.addWeighted(near, 0.75, far, 0.85, 0)


def _stroke(map_: np.ndarray, place: np.ndarray, darkness: np.ndarray, thick: float) -> None:
    """Draw the bones: `place` (17, 2) 0-1, `darkness` (bones,) 0-255, `thick` of the map's side."""
    pixels = map_.shape[0]
    fixed = np.rint(place * pixels * 16).astype(int).tolist()  # sub-pixel: cv2 shifts by 4 bits
    width = max(1, round(thick * pixels))
    for (parent, child), dark in zip(MOCAP_17.bones, darkness.tolist(), strict=True):
        if dark > 8:
            cv2.line(map_, fixed[parent], fixed[child], dark, width, cv2.LINE_AA, 4)


class Smoother:
    """Draws a scene larger than it is shown and scales it down, for smooth edges everywhere.

    It keeps its buffers, so use one for pictures of one size.
    """

    def __init__(self, factor: int = 2) -> None:
        self.factor = factor
        self._target: gloo.FrameBuffer | None = None
        self._copy: gloo.Program | None = None

    def draw_large(self, scene: Scene, camera: Camera, size: tuple[int, int]) -> gloo.FrameBuffer:
        """Draw into the large buffer; `size` is that of the picture, (width, height) px."""
        shape = (size[1] * self.factor, size[0] * self.factor)
        if self._target is None:
            colour = gloo.Texture2D((*shape, 4), format="rgba", interpolation="linear")
            self._target = gloo.FrameBuffer(colour, gloo.RenderBuffer(shape, "depth"))
        elif self._target.shape != shape:
            self._target.resize(shape)
        with self._target:
            scene.draw(camera, (shape[1], shape[0]), line_px=float(self.factor))
        return self._target

    def draw(self, scene: Scene, camera: Camera, size: tuple[int, int]) -> None:
        """Draw into the framebuffer that is bound, by way of the large one."""
        target = self.draw_large(scene, camera, size)
        if self._copy is None:
            corners = np.array([(-1, -1), (1, -1), (-1, 1), (1, 1)], np.float32)
            self._copy = gloo.Program(shaders.BACKDROP_VERTEX, shaders.COPY_FRAGMENT)
            self._copy["a_corner"] = gloo.VertexBuffer(corners)
        self._copy["u_picture"] = target.color_buffer
        gloo.set_viewport(0, 0, *size)
        gloo.set_state(depth_test=False, blend=False, cull_face=False)
        gloo.clear(color=(0.0, 0.0, 0.0, 1.0), depth=True)
        self._copy.draw("triangle_strip")

    def picture(self, scene: Scene, camera: Camera, size: tuple[int, int]) -> np.ndarray:
        """(H, W, 3) uint8 RGB."""
        target = self.draw_large(scene, camera, size)
        with target:
            large = gloo.read_pixels((0, 0, *target.shape[::-1]), alpha=False)
        small = cv2.resize(large, size, interpolation=cv2.INTER_AREA)
        return np.ascontiguousarray(small)
