"""Run the command given as arguments, and write its highest memory in MiB as the last line of standard error."""

import os
import sys

process = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, used = os.wait4(process, 0)
scale = 1 << 20 if sys.platform == "darwin" else 1 << 10
sys.stderr.write(f"\n{used.ru_maxrss / scale:.1f}")
sys.stderr.flush()
sys.exit(os.waitstatus_to_exitcode(status))
