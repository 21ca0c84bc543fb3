"""How documents are run: known ones by a compiled plan, everything else by graphql-core; the answers are the same."""
