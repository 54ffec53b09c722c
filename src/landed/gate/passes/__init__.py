"""Passes over tables that several checks share, one module a table: `subject.once(read)`."""
