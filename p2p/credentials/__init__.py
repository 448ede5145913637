"""State-issued credentials, verified offline."""
