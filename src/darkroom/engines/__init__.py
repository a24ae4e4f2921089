"""Engines run networks; sessions keep them loaded; tiles cut large pictures."""
