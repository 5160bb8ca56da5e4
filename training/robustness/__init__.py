"""This package measures how well a model still drives when its picture, camera, timing or steering are disturbed."""
