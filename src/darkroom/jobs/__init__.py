"""Work in processes of its own: a decoder that crashes or hangs costs one worker and fails one job."""
