"""Constant regular expressions, rewritten so that Python, Java, RE2 and PCRE2 agree on which strings they match.

Where it stands: rowcalls.py asks for the form of re.match/search/fullmatch patterns.
Invariant: the rewritten pattern uses only what means the same in all of them (explicit code points and classes, \\A, \\z, groups without
capture, greedy and lazy repeats, alternation); what can't be said that way is refused.  Only whether a string matches is kept, not where.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from typing import Any

from .rowir import NotCompiled

try:
    from re import _constants as sre  # type: ignore[attr-defined]
    from re import _parser as sre_parser  # type: ignore[attr-defined]
except ImportError:  # before Python 3.11
    import sre_constants as sre  # type: ignore[no-redef]
    import sre_parse as sre_parser  # type: ignore[no-redef]

# What str.isspace and \s take for white space.
SPACES = "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"
# Case-insensitive matching of an ASCII letter also takes these.
_MORE_CASES = {"i": "\u0130\u0131", "k": "\u212a", "s": "\u017f"}


def point(code: int) -> str:
    """One code point, in or out of a class: a form that all the engines read alike."""
    c = chr(code)
    if code >= 0xA0 or (code < 128 and c.isalnum()):
        return c
    return f"\\x{code:02x}"


def ranges(codes: list[int]) -> str:
    """The inside of a class that holds these code points, sorted."""
    out = []
    i = 0
    while i < len(codes):
        j = i
        while j + 1 < len(codes) and codes[j + 1] == codes[j] + 1:
            j += 1
        out.append(point(codes[i]) if i == j else f"{point(codes[i])}-{point(codes[j])}")
        i = j + 1
    return "".join(out)


def digit_codes() -> list[int]:
    """The code points that \\d takes, in order."""
    return [c for c in range(sys.maxunicode + 1) if unicodedata.category(chr(c)) == "Nd"]


class _Rewriter:
    def __init__(self, flags: int, whole: bool) -> None:
        # The whole text is to match, so that nothing can stand behind a final $.
        self.whole = whole
        self.ignore_case = bool(flags & re.IGNORECASE)
        self.dot_all = bool(flags & re.DOTALL)
        self.ascii = bool(flags & re.ASCII)

    def sequence(self, items: Any, last: bool) -> str:
        items = list(items)
        return "".join(self.item(op, arg, last and i == len(items) - 1) for i, (op, arg) in enumerate(items))

    def item(self, op: Any, arg: Any, last: bool) -> str:
        if op is sre.LITERAL:
            return self.literal(arg)
        if op is sre.NOT_LITERAL:
            return f"[^{self.members(arg)}]"
        if op is sre.ANY:
            return "[\\x00-\U0010ffff]" if self.dot_all else "[^\\n]"
        if op is sre.IN:
            return self.char_class(arg)
        if op in (sre.MAX_REPEAT, sre.MIN_REPEAT):
            low, high, body = arg
            if high is sre.MAXREPEAT:
                count = {0: "*", 1: "+"}.get(low, f"{{{low},}}")
            else:
                count = "?" if (low, high) == (0, 1) else f"{{{low},{high}}}"
            if low > 500 or (high is not sre.MAXREPEAT and high > 500):
                raise NotCompiled("a regular expression with a large repeat")
            return f"(?:{self.sequence(body, False)}){count}{'?' if op is sre.MIN_REPEAT else ''}"
        if op is sre.SUBPATTERN:
            _group, add, drop, body = arg
            if add or drop:
                raise NotCompiled("a regular expression with flags inside")
            return f"(?:{self.sequence(body, last)})"
        if op is sre.BRANCH:
            return "(?:" + "|".join(self.sequence(branch, last) for branch in arg[1]) + ")"
        if op is sre.AT:
            if arg in (sre.AT_BEGINNING, sre.AT_BEGINNING_STRING):
                return "\\A"
            if arg is sre.AT_END_STRING:
                return "\\z"
            if arg is sre.AT_END and last:
                return "" if self.whole else "(?:\\n?\\z)"
        raise NotCompiled(f"a regular expression with {str(op).lower()}")

    def members(self, code: int) -> str:
        if not self.ignore_case:
            return point(code)
        c = chr(code)
        if code >= 128:
            raise NotCompiled("a case-insensitive regular expression with letters beyond ASCII")
        if not c.isalpha():
            return point(code)
        more = "" if self.ascii else _MORE_CASES.get(c.lower(), "")
        return c.lower() + c.upper() + "".join(point(ord(m)) for m in more)

    def literal(self, code: int) -> str:
        found = self.members(code)
        return found if found == point(code) else f"[{found}]"

    def char_class(self, items: Any) -> str:
        negated = False
        out = []
        for op, arg in items:
            if op is sre.NEGATE:
                negated = True
            elif op is sre.LITERAL:
                out.append(self.members(arg))
            elif op is sre.RANGE:
                if self.ignore_case and not (arg[1] < ord("A") or (arg[0] > ord("Z") and arg[1] < ord("a"))):
                    raise NotCompiled("a case-insensitive regular expression with a range of letters")
                out.append(f"{point(arg[0])}-{point(arg[1])}")
            elif op is sre.CATEGORY and arg in (sre.CATEGORY_DIGIT, sre.CATEGORY_SPACE):
                out.append(self.category(arg))
            elif op is sre.CATEGORY and arg in (sre.CATEGORY_NOT_DIGIT, sre.CATEGORY_NOT_SPACE) and len(items) == 1:
                return f"[^{self.category(sre.CATEGORY_DIGIT if arg is sre.CATEGORY_NOT_DIGIT else sre.CATEGORY_SPACE)}]"
            elif op is sre.CATEGORY and arg in (sre.CATEGORY_WORD, sre.CATEGORY_NOT_WORD) and self.ascii and arg is sre.CATEGORY_WORD:
                out.append("A-Za-z0-9_")
            else:
                raise NotCompiled("a regular expression with \\w or the like, whose letters differ from engine to engine")
        return f"[{'^' if negated else ''}{''.join(out)}]"

    def category(self, which: Any) -> str:
        if which is sre.CATEGORY_DIGIT:
            return "0-9" if self.ascii else ranges(digit_codes())
        spaces = [ord(c) for c in (" \t\n\r\x0b\x0c" if self.ascii else SPACES)]
        return ranges(sorted(spaces))


def portable(pattern: str, flags: int, how: str) -> str:
    """The pattern for a search that succeeds where re.<how>(pattern, text, flags) does; NotCompiled when there is none."""
    try:
        compiled = re.compile(pattern, flags)
        tree = sre_parser.parse(pattern, flags)
    except (re.error, OverflowError, RecursionError) as problem:
        raise NotCompiled(f"a regular expression that does not compile: {problem}") from None
    if compiled.flags & (re.MULTILINE | re.LOCALE):
        raise NotCompiled("a regular expression with MULTILINE or LOCALE")
    body = _Rewriter(compiled.flags, how == "fullmatch").sequence(tree, True)
    if how == "match":
        return f"\\A(?:{body})"
    if how == "fullmatch":
        return f"\\A(?:{body})\\z"
    return body
