"""The one database of a project folder."""
