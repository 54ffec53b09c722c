"""Assets by stage, in the order the data flow."""
