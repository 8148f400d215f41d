"""Bytes of strangers and people -> checked data, or every fault; what no reader sees is refused."""
