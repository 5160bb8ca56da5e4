"""The renderer of Udacity's own scenes: light and shade are computed once, then OpenGL or Panda3D's software draws."""
