"""The data plane: bodies in, predictions out, every one of them recorded before it is answered."""
