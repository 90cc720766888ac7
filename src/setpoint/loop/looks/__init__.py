"""What one look at a deployment sees: what is read, compared and asked before anything is decided."""
