"""Files that are copied into what `setpoint versions export` writes; they import nothing of Setpoint."""
