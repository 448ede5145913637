"""What shells need beyond what click gives them."""

from __future__ import annotations

import re
from typing import Final

from click.shell_completion import BashComplete, CompletionItem

BACKSLASH: Final = "\\"
_ACTING: Final = re.compile(r"([^\w@%+=:,./-])")


class QuotedBash(BashComplete):
    """Completion in bash, which puts words on the command line as they are.

    A label or a name may be of several words, or hold a semicolon or a dollar sign, and other
    people's certificates bring labels of their own. zsh and fish quote by themselves.
    Each backslash is doubled, since click's script for bash reads one level of them away.
    """

    def format_completion(self, item: CompletionItem[object]) -> str:
        """Give a word with backslashes before each character that bash would act on."""
        if item.type != "plain":
            return super().format_completion(item)
        quoted = _ACTING.sub(r"\\\1", str(item.value))
        return f"{item.type},{quoted.replace(BACKSLASH, 2 * BACKSLASH)}"
