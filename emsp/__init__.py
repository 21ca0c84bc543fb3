"""The driver-facing e-Mobility Service Provider backend."""
