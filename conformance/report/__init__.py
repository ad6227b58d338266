"""What a run says, in the forms people read it in."""
