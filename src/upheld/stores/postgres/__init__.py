"""PostgreSQL as a store: its catalog, footprints, erasure, search."""
