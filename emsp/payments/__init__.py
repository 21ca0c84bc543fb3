"""Moving money: holds, captures, charges and the ledger."""
