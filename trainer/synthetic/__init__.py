"""People made from CC0 assets: clothed, posed, lit and labelled exactly."""
