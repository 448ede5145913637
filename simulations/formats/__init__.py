"""Files of others, read strictly and written exactly."""
