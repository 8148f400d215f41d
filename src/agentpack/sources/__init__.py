"""Where releases come from. Each source answers which packs and releases it has, and hands over their bytes."""
