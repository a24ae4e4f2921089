"""Algorithms on arrays: pure functions of NumPy arrays, RGB(A), no files, no models, no settings."""
