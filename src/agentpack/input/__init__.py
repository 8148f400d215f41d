"""Read untrusted files: bytes become checked data, or every fault is reported. Hidden characters are refused."""
