"""Goldens that pin the Swift engine to PyTorch and the prompts to the Hugging Face templates."""
