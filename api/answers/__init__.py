"""From what the store gave to what the REST interface answers: data in, schema out, no questions asked."""
