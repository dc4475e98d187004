"""Tables, plots and the report's page."""
