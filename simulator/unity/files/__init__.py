"""Unity's and FBX's file formats, each as plain data: no knowledge of tracks, and nothing is run from a file."""
