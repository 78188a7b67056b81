"""What the commands do, one module a command or family; `cli` parses and calls them."""
