"""The models: what exists (catalogue), what is here (store), how weights become a graph."""
