"""Trains the demonstration model, a small FocusLLaVA, from nothing."""
