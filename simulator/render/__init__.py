"""The renderer: it draws the cameras' pictures of a track."""
