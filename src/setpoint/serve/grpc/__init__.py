"""The gRPC door of the data plane: the Open Inference Protocol over gRPC. Imported only where a port is asked for."""
