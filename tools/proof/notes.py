# SPDX-License-Identifier: MIT
"""notes.py - the state notes of entry/, held against the states that the walk found.

A note must say exactly what is found: `any` where both halves come up, one word where one does.
`from user mode [...]` behind a note narrows it to what comes from there.  A step without code says
so in words (`not needed`, `in f(), C`), and then no code may stand there.
"""
import re
from pathlib import Path
from typing import NamedTuple

from lib.elf import STT_FUNC

NOTE = r"\[cr3=(\S+) gs=(\S+) rsp=(\S+) if=(\S+?)\]"
WORDS = re.compile(r";\s*(not needed|in (\w+)\(\), C)")
LABEL = re.compile(r"^(%1|\w+)?(\.\w+)?:")
ENTRY_FUNCTION = re.compile(
    r"(/\*(?:(?!\*/).)*\*/\n)?ENTRY_TEXT\(\"[\w-]+\"\)[^;{=]*?(\w+)\([^;{]*\)\n\{", re.S)


class Note(NamedTuple):
    place: str              # file:line
    states: list            # of (cr3, gs, rsp, if), the second one from user mode; [] for words
    words: str              # "not needed", a function's name, or ""
    shared: bool            # stands in a macro, for designs with one table as well


def notes_in(text):
    return re.findall(NOTE, text)


class Notes:
    """Every note under @entry, by the symbol it belongs to."""

    def __init__(self, entry):
        self.entry = Path(entry)
        self.labels: dict[str, Note] = {}
        macros: dict[str, dict] = {}
        for path in sorted(self.entry.glob("*.inc")):
            macros.update(self.read_macros(path))
        for path in sorted(self.entry.glob("*.asm")):
            text = path.read_text()
            self.labels.update(self.read_labels(path, text.splitlines(), None))
            for macro, name in re.findall(r"^(\w+) (\w+)\b", text, re.M):
                for label, note in macros.get(macro, {}).items():
                    self.labels[name + label[2:]] = note
        self.returns: dict[str, tuple] = {}
        for path in sorted(self.entry.glob("*.c")):
            self.read_functions(path)

    def read_macros(self, path):
        """{macro: {label: Note}} of the macros that define an entry, `%1:`."""
        text = path.read_text()
        return {m[1]: self.read_labels(path, m[2].splitlines(), text[:m.start(2)].count("\n") + 1)
                for m in re.finditer(r"^%macro (\w+) \d+\n(.*?)^%endmacro", text, re.M | re.S)
                if re.search(r"^%1:", m[2], re.M)}

    @staticmethod
    def read_labels(path, lines, macro_line):
        found, above, name = {}, "", ""
        for number, line in enumerate(lines, macro_line or 1):
            label = LABEL.match(line)
            if label and (label[1] or label[2]):
                name = label[1] or name
                comment = line if label[2] else above
                words = WORDS.search(comment)
                note = Note(f"{path.parent.name}/{path.name}:{number}", notes_in(comment),
                            (words[2] or words[1]) if words else "", macro_line is not None)
                if note.states or note.words:
                    found[name + (label[2] or "")] = note
            above = line
        return found

    def read_functions(self, path):
        """The note above an ENTRY_TEXT function: what holds on entry, and on return."""
        text = path.read_text()
        for m in ENTRY_FUNCTION.finditer(text):
            comment, name = m[1] or "", m[2]
            states = notes_in(comment)
            if not states:
                continue
            place = f"{path.parent.name}/{path.name}:{text[:m.start()].count(chr(10)) + 1}"
            self.labels[name] = Note(place, states[:1], "", False)
            if "on return" in comment:
                self.returns[name] = states[-1]

    # --- the check ------------------------------------------------------------

    def check(self, facts, explorer, report):
        symbols = [
            s for s in facts.image.elf.symbols if facts.in_text(s.address) and s.is_place and
            not s.name.startswith("..@") and not s.name.endswith(("_start", "_end", "_stubs"))
        ]
        noted = {s.address for s in symbols if s.name in self.labels and self.labels[s.name].states}
        for s in symbols:
            note = self.labels.get(s.name)
            if note and note.words:
                self.check_words(facts, report, s, note, noted)
            elif note:
                self.check_states(facts, report, s, note, explorer)
                self.check_returns(facts, report, s, note, explorer)
            elif "." in s.name or s.address not in noted:
                report.fail_at(facts, s.address, f"{s.name} has no state note",
                               "write down what holds there")
        self.check_labels_exist(facts, report, {s.name for s in symbols})

    def check_labels_exist(self, facts, report, names):
        for name, note in self.labels.items():
            here = Path(note.place.split(":")[0]).stem == facts.name
            if here and name.startswith(facts.ident + "_") and name not in names:
                what = f"{note.place}: {name} is not in the design's text"
                report.fail_at(facts, facts.text[0][0], what, "")

    @staticmethod
    def check_words(facts, report, symbol, note, noted):
        if symbol.address not in noted:
            what = f"{note.place}: {symbol.name} says {note.words}, but code stands there"
            report.fail_at(facts, symbol.address, what, "write a state note")
        if note.words != "not needed" and note.words not in facts.image.elf.by_name:
            report.fail_at(facts, symbol.address, f"{note.place}: there is no {note.words}()", "")

    def check_states(self, facts, report, symbol, note, explorer):
        seen = explorer.seen.get(symbol.address, set())
        self.compare(facts, report, symbol, note, note.states[0], seen, "")
        for state in note.states[1:]:
            from_user = {s for s in seen if s[4] == "user"}
            self.compare(facts, report, symbol, note, state, from_user, " from user mode")

    def check_returns(self, facts, report, symbol, note, explorer):
        if symbol.type != STT_FUNC or symbol.name not in self.labels:
            return
        rets = [a for a in explorer.seen if symbol.address <= a < symbol.address + symbol.size
                and explorer.insns[a].mnemonic == "ret"]
        seen = set().union(*(explorer.seen[a] for a in rets))
        wanted = self.returns.get(symbol.name)
        if wanted is None:
            report.fail_at(facts, symbol.address,
                           f"{note.place}: {symbol.name} has no note on return",
                           "[...] on entry, [...] on return")
        else:
            self.compare(facts, report, symbol, note, wanted, seen, " on return")

    @staticmethod
    def compare(facts, report, symbol, note, said, seen, when):
        found = summary(seen)
        if tuple(said) == found or note.shared and not facts.split and said[0] == "any" and said[
                1:] == found[1:]:
            return
        shown = "[cr3=%s gs=%s rsp=%s if=%s]"
        holds = f"what holds is {shown % found}" if seen else "no path leads here"
        what = f"{note.place}: {symbol.name}{when} is noted {shown % tuple(said)}, but {holds}"
        report.fail_at(facts, symbol.address, what, "correct the note, or the path")


def summary(states):
    """One note for a set of states."""
    if not states:
        return ("",) * 4
    cr3, gs, rsp, iflag = ({s[i] for s in states} for i in range(4))
    return (cr3.pop() if len(cr3) == 1 else "any",
            gs.pop() if len(gs) == 1 else "any", "any" if "any" in rsp else "|".join(sorted(rsp)),
            iflag.pop() if len(iflag) == 1 else "any")
