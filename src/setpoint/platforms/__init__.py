"""Where models are served: adapters of the Platform port."""
