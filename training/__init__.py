"""The PyTorch reference of the worker: random models, goldens, training and export. Used offline only."""
