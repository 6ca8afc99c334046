"""Whether an image's name says what will be run."""


def problem(name):
    """None where the name has a tag that is a version, or a digest."""
    if "@sha256:" in name:
        return None
    tag = name.rpartition("/")[2].partition(":")[2]
    if not tag:
        return f"the image {name} has no tag"
    if tag == "latest":
        return f"the image {name} is whatever is newest"
    return None
