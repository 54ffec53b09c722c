"""The doors: command line, BI, HTTP, agents. Thin: each calls `queries` and prints."""
