"""The command line: ``darkroom``."""
