"""Questions about scenes, with their answers and the places that they are about."""
