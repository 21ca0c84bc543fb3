"""An operator's record, computed once more: pure."""
