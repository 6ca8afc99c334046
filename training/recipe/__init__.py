"""Trains samplers for a Hugging Face LLaVA checkpoint, on conversations in LLaVA's format."""
