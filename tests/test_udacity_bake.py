"""What is computed once of a Unity scene: light, land of few triangles, tiles, levels and pictures."""

from dataclasses import replace

import numpy as np
import pytest

from simulator.render.udacity.baking.bake import PICTURE_PX, bake
from simulator.render.udacity.baking.gloss import REFLECTED, SCATTERED, standard
from simulator.render.udacity.baking.land import LAYERS, land_surface
from simulator.render.udacity.baking.light import BRIGHTEST, as_bytes, facing, light_on
from simulator.render.udacity.baking.relief import Relief
from simulator.render.udacity.baking.tangents import leaning_normals
from simulator.render.udacity.baking.tiles import Mesh, TileGrid, simplified, skirted, tiles
from simulator.render.udacity.sky import sky_color
from simulator.unity.unity_scene import Light, TerrainLayer
from tests.tiny_unity_scene import land, plain, tiny_scene

SIDE = 32
ROAD = np.array([(0.0, y) for y in range(-40, 40)])


def hilly() -> np.ndarray:
    y, x = np.mgrid[0 : SIDE + 1, 0 : SIDE + 1]
    return (3 * np.sin(x / 3) * np.cos(y / 5) + (x > 20) * 4.0).astype(np.float32).reshape(-1, 1)


def edges(corners: np.ndarray) -> dict[tuple[int, int], int]:
    """How many triangles have each edge."""
    sides = np.sort(np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [2, 0]]]), axis=1)
    pairs, counts = np.unique(sides, axis=0, return_counts=True)
    return {(int(a), int(b)): int(count) for (a, b), count in zip(pairs, counts, strict=True)}


def on_rim(vertex: int) -> bool:
    row, column = divmod(vertex, SIDE + 1)
    return row in (0, SIDE) or column in (0, SIDE)


def test_a_flat_grid_needs_two_triangles_and_blocks_two_each():
    flat = np.zeros(((SIDE + 1) ** 2, 1), np.float32)
    tolerance = np.ones_like(flat)
    assert len(Relief(SIDE, flat, SIDE).triangles(tolerance)) == 2
    assert len(Relief(SIDE, flat, 8).triangles(tolerance)) == 2 * (SIDE // 8) ** 2


@pytest.mark.parametrize("tolerance_m", [0.01, 0.3, 1.0])
def test_relief_has_no_gaps_looks_up_and_covers_the_grid(tolerance_m):
    values = hilly()
    corners = Relief(SIDE, values, 16).triangles(np.full_like(values, tolerance_m)).astype(int)
    for (a, b), count in edges(corners).items():
        assert count == 2 or (count == 1 and on_rim(a) and on_rim(b)), "an edge within belongs to two triangles"
    y, x = np.divmod(corners, SIDE + 1)
    area = (x[:, 1] - x[:, 0]) * (y[:, 2] - y[:, 0]) - (x[:, 2] - x[:, 0]) * (y[:, 1] - y[:, 0])
    assert (area > 0).all(), "anticlockwise"
    assert area.sum() == 2 * SIDE * SIDE


def test_relief_is_as_good_as_its_tolerance_where_it_is_asked_for():
    values = hilly()
    fine, coarse = (Relief(SIDE, values, 16).triangles(np.full_like(values, t)) for t in (0.05, 2.0))
    assert len(coarse) < len(fine) / 4
    half = np.full_like(values, 2.0).reshape(SIDE + 1, SIDE + 1)
    half[:, :8] = 0.05
    mixed = Relief(SIDE, values, 16).triangles(half.reshape(-1, 1))
    assert len(coarse) < len(mixed) < len(fine)
    left = [vertex for vertex in np.unique(fine) if vertex % (SIDE + 1) < 8]
    assert np.isin(left, mixed).mean() > 0.95, "as fine as needed on the left"


def test_light_adds_up_and_fits_in_bytes():
    lights = (Light((0.0, 0.0, -1.0), (1.0, 0.5, 0.25)), Light((1.0, 0.0, 0.0), (0.5, 0.5, 0.5)))
    up, down, slope = (0.0, 0.0, 1.0), (0.0, 0.0, -1.0), (-0.6, 0.0, 0.8)
    light = light_on(np.array([up, down, slope], np.float32), lights, (0.1, 0.1, 0.1))
    assert light == pytest.approx(np.array([(1.1, 0.6, 0.35), (0.1, 0.1, 0.1), (1.2, 0.8, 0.6)]))
    assert as_bytes(light)[0].tolist() == [140, 77, 45, 0]
    assert as_bytes(np.array([[9.0, BRIGHTEST, 0.0]], np.float32))[0].tolist() == [255, 255, 0, 0]
    of_sun = facing(np.array([up, down, slope], np.float32), lights[0])
    assert as_bytes(light, of_sun)[:, 3].tolist() == [255, 0, 204]


def test_the_standard_shader_scatters_and_shines():
    """Straight from above all cosines are 1. Rough surfaces are brightest with the sun in the back of who looks."""
    above = np.array([(0.0, 0.0, 1.0)])
    scattered, gloss = standard(above, above, above[0], 1.0)
    assert (scattered[0], gloss[0]) == pytest.approx((SCATTERED, REFLECTED / 2), rel=1e-4)
    sun = np.array((0.8, 0.0, 0.6))
    low = np.array([(0.995, 0.0, 0.1), (-0.995, 0.0, 0.1)])
    (behind, against), shine = standard(above, low, sun, 1.0)
    assert behind > 1.5 * against
    assert shine[1] > shine[0]
    assert standard(above, low, sun, 0.3)[1][1] > 2 * shine[1], "a smoother surface shines more against the sun"
    assert not np.any(standard(-above, low, sun, 0.5)), "nothing from behind"


@pytest.mark.parametrize("uv_turn", [(1, 0, 0, 1), (-1, 0, 0, 1), (0, 1, -1, 0)])
def test_a_surface_that_leans_is_brighter_on_the_side_of_the_light(uv_turn):
    """Its texture may lie turned or mirrored on it; the normals lean along the texture's axes."""
    turn = np.array(uv_turn, np.float32).reshape(2, 2)
    road = tiny_scene().parts[0]
    part = replace(road, uv=road.uv @ turn.T)
    level = leaning_normals(part, (0.0, 0.0))
    assert level == pytest.approx(np.tile((0, 0, 1), (4, 1)))
    lean = turn @ (0.75, 0.0)  # to the right of the scene
    normals = leaning_normals(part, (float(lean[0]), float(lean[1])))
    assert normals == pytest.approx(np.tile((0.6, 0, 0.8), (4, 1)), abs=1e-6)
    from_right = Light((-1.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    assert facing(normals, from_right) == pytest.approx([0.6] * 4)


def test_a_baked_mesh_takes_the_light_of_its_lean():
    scene = tiny_scene(fog=None)
    leaning = {name: replace(material, lean=(0.75, 0.0)) for name, material in scene.materials.items()}
    lit = replace(scene, materials=leaning, parts=scene.parts[:1], lights=(Light((-1.0, 0.0, 0.0), (1.0, 1.0, 1.0)),))
    mesh = bake(lit, ROAD).solid.tiles[0][0].mesh
    assert mesh.columns["color"][:, 0] / 255 * BRIGHTEST == pytest.approx(0.6, abs=0.01)
    assert mesh.columns["color"][:, 3] / 255 == pytest.approx(0.6, abs=0.01)


def test_a_texture_without_extent_leaves_the_normals():
    road = tiny_scene().parts[0]
    flat = replace(road, uv=np.zeros_like(road.uv))
    assert leaning_normals(flat, (0.5, 0.5)) == pytest.approx(road.normals)


@pytest.mark.parametrize("tangent_lit", [False, True])
def test_land_is_lit_by_its_normal_or_its_tangent(tangent_lit):
    """It rises to the right by 1: the normal looks to the upper left, the tangent to the upper right."""
    layer = TerrainLayer(plain((90, 90, 30)), (4.0, 4.0), tangent_lit)
    from_right = Light((-0.8, 0.0, -0.6), (1.0, 1.0, 1.0))
    scene = tiny_scene()
    lit = type(scene)("land", (), {}, (), (from_right,), (0.0, 0.0, 0.0), None)
    surface = land_surface(land(layer, slope=1.0), lit, ROAD)
    color = surface.tiles[0][0].mesh.columns["color"][:, 0]
    root = np.sqrt(0.5)
    expected = 0.8 * root + 0.6 * root if tangent_lit else 0.0
    assert color / 255 * BRIGHTEST == pytest.approx(np.full(len(color), expected), abs=0.01)


def test_land_of_another_shape_is_refused():
    terrain = land(TerrainLayer(plain((90, 90, 30)), (4.0, 4.0)))
    crooked = type(terrain)(terrain.origin, terrain.cell_m, terrain.heights[:-1], terrain.weights, terrain.layers)
    with pytest.raises(ValueError, match="64 x 65"):
        land_surface(crooked, tiny_scene(), ROAD)


def grid_mesh(side: int, cell_m: float) -> Mesh:
    x, y = np.meshgrid(np.arange(side + 1) * cell_m, np.arange(side + 1) * cell_m)
    places = np.stack([x.ravel(), y.ravel(), np.zeros(x.size)], 1).astype(np.float32)
    a = (np.arange(side)[:, None] * (side + 1) + np.arange(side)).ravel()
    corners = np.concatenate([np.stack([a, a + 1, a + side + 2], 1), np.stack([a, a + side + 2, a + side + 1], 1)])
    columns = {"texture": np.zeros((len(places), 3), np.float32), "color": np.zeros((len(places), 4), np.uint8)}
    return Mesh({"places": places, **columns}, corners.astype(np.uint32))


def test_tiles_hold_all_triangles_once_and_only_their_vertices():
    mesh = grid_mesh(8, 1.0)
    parts = tiles(mesh, TileGrid((0.0, 0.0), (4.0, 2.0)))
    assert set(parts) == {(x, y) for x in range(2) for y in range(4)}
    assert all(len(part.corners) == 16 and len(part.columns["places"]) == 15 for part in parts.values())


def test_a_skirt_hangs_from_the_outer_edges_only():
    mesh = grid_mesh(4, 1.0)
    hanging = skirted(mesh, 2.0)
    assert len(hanging.corners) == len(mesh.corners) + 2 * 16
    low = hanging.columns["places"][len(mesh.columns["places"]) :]
    assert (low[:, 2] == -2).all()
    assert np.isin(low[:, :2], (0, 4)).any(1).all()


def test_a_simplified_mesh_keeps_its_extent_with_fewer_triangles():
    mesh = grid_mesh(16, 0.1)
    coarse = simplified(mesh, 0.4)
    assert len(coarse.corners) < len(mesh.corners) / 8
    assert coarse.columns["places"].max() == pytest.approx(1.6)


def test_the_sky_is_bright_at_the_horizon_and_blue_above():
    up = np.radians([2, 10, 30])
    rays = np.stack([np.zeros(3), np.cos(up), np.sin(up)], 1)
    low, middle, high = 255 * sky_color(rays, (0.7406, 0.0042, 0.672))
    assert low == pytest.approx((184, 214, 228), abs=3)
    assert middle == pytest.approx((127, 156, 194), abs=3)
    assert high == pytest.approx((86, 109, 147), abs=3)


def test_pictures_become_pages_of_one_size_and_grain_keeps_the_layers_colours():
    baked = bake(tiny_scene(), ROAD)
    assert baked.pages.shape == (4, PICTURE_PX, PICTURE_PX, 4), "road, wall, land and plant"
    assert baked.land[0].colors == pytest.approx(
        np.array([(90 / 255, 90 / 255, 30 / 255), *[(0, 0, 0)] * (LAYERS - 1)])
    )
    assert np.unique(baked.pages[baked.land[0].page]).tolist() == [96]


def test_triangles_follow_their_vertices_so_that_few_are_computed_twice():
    """Mesa computes the vertices of 341 triangles at a time."""
    mesh = grid_mesh(64, 1.0)
    part = Mesh(mesh.columns, np.random.default_rng(0).permutation(mesh.corners)).part(np.arange(len(mesh.corners)))
    assert sorted(part.corners.tolist()) == sorted(mesh.corners.tolist())
    computed = sum(len(np.unique(part.corners[start : start + 341])) for start in range(0, len(part.corners), 341))
    assert computed < 0.8 * len(part.corners)


def test_vertices_that_become_one_take_their_mean_light():
    mesh = grid_mesh(7, 0.125)
    mesh.columns["color"][:, 0] = 10 * (np.arange(64) % 8)
    coarse = simplified(mesh, 0.5)
    assert len(coarse.corners) == 2
    assert sorted(coarse.columns["color"][:, 0]) == [15, 15, 55, 55]
