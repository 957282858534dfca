"""Exports of payment processors: read, and in operation."""
