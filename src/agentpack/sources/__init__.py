"""Sources of releases. Each lists its packs and releases, and returns their bytes."""
