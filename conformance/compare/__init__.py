"""Two transcripts of one case, compared axis by axis."""
