"""Programs that show Molva at work."""
