"""A search in virtual time: trials take the seconds that their measurements name, and nothing is trained."""
