"""Build the panels shown beside the trials of a search (`nas.schemas.panels`), from data alone, without queries."""
