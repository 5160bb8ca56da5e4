"""The study measures what separable convolutions save and what they cost in accuracy, on digits and on CIFAR-10.

It runs on any backend of Keras; only the measuring of LiteRT and of TensorFlow itself imports TensorFlow.
"""
