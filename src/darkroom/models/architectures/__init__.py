"""Weights in, ONNX graph out: one file per architecture."""
