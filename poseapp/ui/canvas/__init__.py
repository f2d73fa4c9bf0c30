"""The drawing surface on which skeletons are edited."""
