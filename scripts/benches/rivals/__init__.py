"""What the benches compare with: other ways to do the same, as somebody who knows them would."""
