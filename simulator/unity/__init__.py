"""A reader of Udacity's simulator project, the Unity project that its owner checks out: scenes, meshes, terrain."""
