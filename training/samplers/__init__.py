"""The two samplers of FocusLLaVA in PyTorch: what the engine must compute, in forms to train and to export."""
