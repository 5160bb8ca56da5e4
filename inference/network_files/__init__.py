"""Runs network files that others made, .tflite and .onnx: their checks, number formats, layouts and inputs."""
