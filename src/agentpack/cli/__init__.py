"""Words in, words out. Typer and Rich live here only; one module per verb, loaded when that verb is called."""
