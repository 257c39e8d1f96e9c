"""What is shown of a search beside its trials: data in, panels out (`nas.schemas.panels`), no questions asked."""
