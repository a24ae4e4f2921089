"""One file per operation; a file here registers itself by being here."""
