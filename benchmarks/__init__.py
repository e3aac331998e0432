"""Measurements of gradcheck against other tools and against known truths; each module runs by itself."""
