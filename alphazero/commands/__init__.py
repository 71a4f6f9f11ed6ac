"""The commands of `alphazero`, one module each: add_arguments(parser) and run(args) -> exit code."""
