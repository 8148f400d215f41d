"""Other machines: how they are reached, and the cache of what came from them. Loaded only for a source that needs
them.
"""
