"""The command line. Typer and Rich are used only here; one module for each command, loaded when it is called."""
