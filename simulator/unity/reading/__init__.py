"""From a checkout's files to a `UnityScene`: objects, meshes in world coordinates, materials, land, plants."""
