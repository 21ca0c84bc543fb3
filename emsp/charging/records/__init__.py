"""What operators say of a charge: kept, matched, doubted, checked, disputed."""
