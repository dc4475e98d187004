"""An endpoint whose models are personas."""
