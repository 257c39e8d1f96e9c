"""The kinds of search, a file for each, behind one protocol: nothing else asks which kind a search is."""
