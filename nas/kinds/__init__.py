"""The kinds of search, one file each, behind one protocol: no other code asks which kind a search is."""
