"""`geoarseg completion`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

_VARIABLE = "_GEOARSEG_COMPLETE"
"""What the shell sets when it asks for completions; click derives it from the program's name."""


@click.command(name="completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print the script that completes commands and options in SHELL with the Tab key.

    The result is printed, for the shell to read when it starts.

    Examples:

    \b
        echo 'eval "$(geoarseg completion bash)"' >> ~/.bashrc
        echo 'eval "$(geoarseg completion zsh)"' >> ~/.zshrc
        geoarseg completion fish > ~/.config/fish/completions/geoarseg.fish
    """
    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(context.find_root().command, {}, "geoarseg", _VARIABLE).source())
