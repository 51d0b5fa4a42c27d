"""Read what bash replaces: variables, substitutions, arithmetic, and the quotes around them."""

import re

from axon.security.policy.cursor import Cursor, refuse_unless_ended
from axon.security.policy.refusal import Refused
from axon.security.policy.tree import (
    Arithmetic,
    Part,
    Script,
    Simple,
    Substitution,
    Text,
    Variable,
    literal,
)

_QUOTED_RUN = re.compile(r'(?:[^"\\$`]+|\\[^"\\$`\n])+')
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SPECIAL = re.compile(r"[0-9@*#?$!_-]")
_OPERAND = r"[A-Za-z0-9_./,:@%+=*? -]*"
_BRACED = re.compile(
    r"(?P<name>[A-Za-z_]\w*|\d{1,3}|[@*#?$!-])"
    rf"(?P<operation>:?[-+?]{_OPERAND}|##?{_OPERAND}|%%?{_OPERAND}"
    rf"|//?[#%]?{_OPERAND}(?:/{_OPERAND})?|\^\^?|,,?|: ?-?\d+(?::-?\d+)?)?\}}",
    re.ASCII,
)
_LENGTH = re.compile(r"#(?P<name>[A-Za-z_]\w*|\d{1,3}|[@*])\}", re.ASCII)
_ANSI = re.compile(
    r"\\(?:(?P<simple>[abeEfnrtv\\'\"?])|(?P<octal>[0-7]{1,3})|x(?P<hex>[0-9A-Fa-f]{1,2})"
    r"|u(?P<u>[0-9A-Fa-f]{1,4})|U(?P<U>[0-9A-Fa-f]{1,8})|(?P<other>[^cxuU]))|(?P<text>[^\\']+)",
    re.DOTALL,
)
_SIMPLE = dict(zip("abeEfnrtv\\'\"?", "\a\b\x1b\x1b\f\n\r\t\v\\'\"?", strict=True))
# Numbers, names and operators; an array's index, quotes and substitutions are not among them.
_SUM = re.compile(r"[A-Za-z0-9_+\-*/%<>=!&|^~?:, \t${}]*", re.ASCII)

_NUMBER = r"(?:0[xX][0-9A-Fa-f]+|0[0-7]*|[1-9]\d*)"
_TERM = rf"[-+!~ ]*(?:{_NUMBER}|[A-Za-z_]\w*)\b ?(?:\+\+|--)? ?"
_BINARY = r"(?:\*\*|<<=?|>>=?|[<>=!]=|&&|\|\||[-+*/%&^|]=?|[<>=?:,])"
_TERMS = re.compile(rf"{_TERM}(?:{_BINARY}{_TERM})*", re.ASCII)
_GROUP = re.compile(r"\(([^()]*)\)")
DEEPEST_SUM = 20


def read_dollar(cursor: Cursor, *, quoted: bool) -> list[Part]:
    """`cursor` stands at the dollar sign."""
    cursor.at += 1
    if not quoted and cursor.take("'"):
        return [_ansi(cursor)]
    if not quoted and cursor.take('"'):
        return read_double(cursor, '"')
    if cursor.starts("(("):
        cursor.at += 2
        source, names = read_sum(cursor)
        return [Arithmetic(source, names, quoted)]
    if cursor.take("("):
        return [_known(_script(cursor), quoted)]
    if cursor.take("{"):
        return [_braced(cursor, quoted)]
    if cursor.starts("["):
        raise Refused("$[...] is arithmetic of old; write $((...))")
    name = cursor.match(_NAME)
    if cursor.starts("\\\n"):  # bash joins the lines before it looks for the end of the name
        raise Refused("a line broken inside of $name; write the name on one line")
    name = name or cursor.match(_SPECIAL)
    if name is None:
        return [Text("$", bare=False)]
    return [Variable(name, name, quoted)]


def read_sum(cursor: Cursor) -> tuple[str, tuple[str, ...]]:
    """Up to the closing `))`: the expression, and the variables in it."""
    depth, start = 0, cursor.at
    while True:
        cursor.match(_SUM)
        if cursor.take("("):
            depth += 1
        elif cursor.starts(")") and depth:
            cursor.at += 1
            depth -= 1
        elif cursor.starts("))"):
            source = cursor.text[start : cursor.at]
            cursor.at += 2
            break
        else:
            raise Refused("an arithmetic expression of more than numbers, variables and operators")
    if re.search(r"\$\{?\d", source):
        raise Refused("arithmetic with an argument of the script; use `expr`, [ ] or python")
    plain = re.sub(r"\$\{(\w+)\}|\$(\w+)", r" \1\2 ", source, flags=re.ASCII)
    if "$" in plain or "{" in plain or "}" in plain:
        raise Refused("an arithmetic expression of more than numbers, variables and operators")
    if not _is_whole(plain):
        raise Refused("an arithmetic expression that bash would not take")
    names = re.findall(r"(?<![0-9A-Za-z_#])[A-Za-z_]\w*", plain, re.ASCII)
    return source, tuple(dict.fromkeys(names))


def _is_whole(text: str) -> bool:
    """Whether every operator has what it works on: at an error bash leaves the rest undone."""
    text = re.sub(r"[ \t]+", " ", text).strip()
    for _ in range(DEEPEST_SUM):
        if "(" not in text:
            break
        text = _GROUP.sub(lambda group: "1" if _TERMS.fullmatch(group[1]) else "", text)
    return not text or bool(_TERMS.fullmatch(text))


def read_process(cursor: Cursor) -> Substitution:
    direction = cursor.peek()
    cursor.at += 2
    script = _script(cursor)
    if not script.items:
        raise Refused(f"{direction}() with nothing in it")
    return Substitution(script, False, "<" if direction == "<" else ">")


def read_backquoted(cursor: Cursor, *, quoted: bool) -> Substitution:
    """The old form: its text is taken first, and then read as a script of its own."""
    escapes = r"\\([$`\\\"])" if quoted else r"\\([$`\\])"
    found = re.compile(r"`((?:[^`\\]|\\.)*)`", re.DOTALL).match(cursor.text, cursor.at)
    if found is None:
        raise Refused("a backquote is not closed")
    cursor.at = found.end()
    text = re.sub(escapes, r"\1", found[1])
    inner = Cursor(text, cursor.read_script, depth=cursor.depth, commands=cursor.commands)
    inner.parts = cursor.parts
    inner.enter()
    script = inner.read_script(inner, "")
    cursor.commands = inner.commands
    refuse_unless_ended(inner)
    return Substitution(script, quoted)


def _script(cursor: Cursor) -> Script:
    """The script of a substitution, with here-documents of its own."""
    start = cursor.at
    outer, cursor.waiting = cursor.waiting, []
    script = cursor.read_script(cursor, ")")
    refuse_unless_ended(cursor)
    if outer and "\n" in cursor.text[start : cursor.at]:
        raise Refused("a newline inside $(...) on the line of a here-document")
    cursor.waiting = outer
    return script


def _known(script: Script, quoted: bool) -> Part:
    """`"$(cat <<'EOF' ...)"` with a plain text is that text."""
    if quoted and len(script.items) == 1:
        pipeline, _ = script.items[0]
        command = pipeline.commands[0]
        plain = len(pipeline.commands) == 1 and not pipeline.negated and not pipeline.timed
        if plain and isinstance(command, Simple) and not command.assignments:
            said = [literal(word) for word in command.words]
            documents = [r.target for r in command.redirects if r.operator == "<<<" and not r.fd]
            if said == ["cat"] and len(documents) == len(command.redirects) == 1:
                text = literal(documents[0])
                if text is not None:
                    return Text(text.rstrip("\n"), bare=False)
    return Substitution(script, quoted)


def _braced(cursor: Cursor, quoted: bool) -> Variable:
    found = _LENGTH.match(cursor.text, cursor.at) or _BRACED.match(cursor.text, cursor.at)
    odd = found is not None and found["name"] in "#!" and len(found[0]) > 2
    if found is None or odd:  # ${!#} is an argument, ${#?} a length
        raise Refused("an expansion ${...} that cannot be followed; compute the value in a step")
    cursor.at = found.end()
    return Variable(found["name"], found[0][:-1], quoted)


def _ansi(cursor: Cursor) -> Text:
    r"""`$'...'`: bytes above 7f depend on the locale, and NUL ends the text."""
    value = ""
    while not cursor.take("'"):
        found = _ANSI.match(cursor.text, cursor.at)
        if found is None:
            raise Refused("an escape in $'...' that cannot be followed; use plain quotes")
        cursor.at = found.end()
        value += _decoded(found)
    return Text(value, bare=False)


def _decoded(found: re.Match[str]) -> str:
    if found["text"] is not None:
        return found["text"]
    if found["simple"]:
        return _SIMPLE[found["simple"]]
    if found["other"]:
        return "\\" + found["other"]
    if found["octal"] or found["hex"]:
        code = int(found["octal"], 8) if found["octal"] else int(found["hex"], 16)
        if not 0 < code < 0x80:
            raise Refused("an escape in $'...' for a byte that is no ASCII character")
        return chr(code)
    code = int(found["u"] or found["U"], 16)
    if not 0 < code < 0x110000 or 0xD800 <= code < 0xE000 or 0x7F <= code < 0xA0:
        raise Refused("an escape in $'...' for no character")
    return chr(code)


def read_double(cursor: Cursor, end: str) -> list[Part]:
    """Up to the closing `end`; "" reads a here-document's body, in which quotes are nothing."""
    parts: list[Part] = [Text("", bare=False)]
    while True:
        if (run := cursor.match(_QUOTED_RUN)) is not None:
            parts.append(Text(run, bare=False))
        elif cursor.at_end():
            if end:
                raise Refused("a double quote is not closed")
            return joined(parts)
        elif cursor.starts('"'):
            cursor.at += 1
            if end:
                return joined(parts)
            parts.append(Text('"', bare=False))
        elif cursor.starts("\\"):
            parts.append(_backslash(cursor, end))
        elif cursor.starts("$"):
            cursor.count_part()
            parts += read_dollar(cursor, quoted=True)
        else:
            cursor.count_part()
            parts.append(read_backquoted(cursor, quoted=True))


def _backslash(cursor: Cursor, end: str) -> Text:
    """In double quotes it escapes few characters, and stays before the others."""
    following = cursor.peek(2)[1:]
    if following == "\n":
        if cursor.at and cursor.text[cursor.at - 1] == "$":
            raise Refused("a line is joined right behind a $")
        cursor.at += 2
        return Text("", bare=False)
    escaped = following in ("$", "`", "\\") or (following == '"' and bool(end))
    cursor.at += 2 if escaped else 1
    return Text(following if escaped else "\\", bare=False)


def joined(parts: list[Part]) -> list[Part]:
    """Neighbours that are quoted alike as one; what is empty and not quoted is nothing."""
    found: list[Part] = []
    for part in parts:
        last = found[-1] if found else None
        if isinstance(part, Text) and isinstance(last, Text) and part.bare == last.bare:
            found[-1] = Text(last.value + part.value, part.bare)
        else:
            found.append(part)
    return found
