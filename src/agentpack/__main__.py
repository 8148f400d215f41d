"""The console script: hot commands are answered before the command-line library is loaded, all else goes to it."""

import sys


def main() -> None:
    """Run the command that the arguments name and exit with its code."""
    from agentpack.fast import answer

    code = answer(sys.argv[1:])
    if code is None:
        from agentpack.cli.app import run

        code = run(sys.argv[1:])
    sys.exit(code)


if __name__ == "__main__":
    main()
