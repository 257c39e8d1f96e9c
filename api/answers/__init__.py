"""Makes the REST interface's answers of the store's records, in functions that read nothing themselves."""
