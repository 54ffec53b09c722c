"""Passes over the marts: each reads its table once, and checks share what it gives."""
