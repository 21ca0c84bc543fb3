"""The world around the product, for demos, tests and app developers: nothing here is needed in production."""
