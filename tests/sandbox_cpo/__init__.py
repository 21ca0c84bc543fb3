"""The sandbox Charge Point Operator, shown to work by itself against a fake eMSP."""
