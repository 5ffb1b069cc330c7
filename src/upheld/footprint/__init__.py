"""From a data map and a live schema to SQL: chains, joins, keys, links, replacements. Pure."""
