"""What a person may ask of a home: the verbs behind commands, routes and the Python API."""
