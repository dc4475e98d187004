"""One module a step of the build, records in, records out."""
