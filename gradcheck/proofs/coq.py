"""Compile the Coq proofs and see what they rest on.

``proofs/`` holds theorems about the ALGORITHM: reverse accumulation is the sum over all paths, for every valid graph
over every commutative ring; and about single rules, for every real in their domain.  ``proofs/README.md`` says each in
ordinary words.  Here Coq checks them again, in a temporary directory, and is asked with ``Print Assumptions`` what each
theorem takes for granted.  A theorem that takes more than is stated in ``STATED`` is refused, whatever else compiles.

Trusted: Coq's kernel, the axioms in ``STATED``, and that the statements say what we mean.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gradcheck.errors import UsageError

PROOFS = Path(__file__).parent.parent.parent / "proofs"
"""The sources stand beside the package, not in it: a checkout has them, an installed wheel has not."""

INSTALL = "apt-get install coq libcoq-coquelicot"

REALS = frozenset(
    {
        "ClassicalDedekindReals.sig_not_dec : forall P : Prop, {~ ~ P} + {~ P}",
        "ClassicalDedekindReals.sig_forall_dec : forall P : nat -> Prop, "
        "(forall n : nat, {P n} + {~ P n}) -> {n : nat | ~ P n} + {forall n : nat, P n}",
        "FunctionalExtensionality.functional_extensionality_dep : forall (A : Type) (B : A -> Type) "
        "(f g : forall x : A, B x), (forall x : A, f x = g x) -> f = g",
        "Classical_Prop.classic : forall P : Prop, P \\/ ~ P",
    }
)
"""The axioms of the real numbers in Coq's standard library, with the classical logic that Coquelicot adds.  They are
compared in full: an axiom of the same name that says something else is another axiom."""

STATED: dict[str, frozenset[str]] = {
    "Backprop": frozenset(),
    "Operations": frozenset(),
    "Models": frozenset(),
    "SecondOrder": frozenset(),
    "Wrong": frozenset(),
    "Certificate": frozenset(),
    "Rules": REALS,
    "Losses": REALS,
    "RealPrograms": REALS,
}
"""What the theorems of each file may assume.  The empty set: closed under the global context."""

LIMIT = 120.0
"""Seconds for one file.  The slowest proof takes about 3, a long certificate half a minute; one that loops must fail."""

CLOSED = "Closed under the global context"


@dataclass(frozen=True, slots=True)
class Compiled:
    """What coqc said of one file."""

    name: str
    ok: bool
    seconds: float
    message: str
    """Empty, or coqc's own words with file, line and characters."""
    said: str = ""
    """What the file had Coq print."""


@dataclass(frozen=True, slots=True)
class Audit:
    """The theorems of one file, and everything that they take for granted together."""

    file: str
    theorems: tuple[str, ...]
    assumptions: tuple[str, ...]
    unstated: tuple[tuple[str, str], ...]
    """(theorem, assumption) for each assumption that ``STATED`` does not allow; any at all refuses the theorem."""


@dataclass(frozen=True, slots=True)
class CoqReport:
    """What a run of the proofs showed."""

    skipped: str
    """Why nothing was run, or empty."""
    version: str = ""
    files: tuple[Compiled, ...] = ()
    audits: tuple[Audit, ...] = ()

    @property
    def ok(self) -> bool:
        """Everything compiled, and no theorem assumes more than is stated.  A skipped run is NOT ok."""
        ran = bool(self.audits) and not self.skipped
        return ran and all(file.ok for file in self.files) and not any(audit.unstated for audit in self.audits)

    def __str__(self) -> str:
        if self.skipped:
            return self.skipped
        lines = [f"Coq {self.version}, {sum(file.seconds for file in self.files):.1f} s"]
        lines += [f"REFUSED {file.name}: {file.message}" for file in self.files if not file.ok]
        for audit in self.audits:
            assumed = ", ".join(axiom.split(" : ")[0] for axiom in audit.assumptions) or "nothing"
            lines += [f"REFUSED {audit.file}.{theorem} assumes {axiom}" for theorem, axiom in audit.unstated] or [
                f"proved {audit.file}: {len(audit.theorems)} theorems, assuming {assumed}"
            ]
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Workspace:
    """A temporary directory in which the proofs have been compiled, to compile more against them."""

    coqc: Path
    directory: Path
    files: tuple[Compiled, ...]

    def compile(self, name: str, text: str) -> Compiled:
        """Have coqc check one more file; ``name`` has no suffix and becomes the module ``GradCheck.name``."""
        if not re.fullmatch(r"[A-Za-z]\w*", name):
            raise UsageError(f"name {name!r} must be letters, digits and underscores: it becomes a module of Coq")
        (self.directory / f"{name}.v").write_text(text, encoding="utf-8")
        return _compile(self.coqc, self.directory, name)


def find_coqc() -> Path | None:
    """The compiler, or None where Coq is not installed."""
    found = shutil.which("coqc")
    return Path(found) if found else None


def why_skipped() -> str:
    """Why the proofs cannot be run here, or the empty string."""
    coqc = find_coqc()
    if coqc is None:
        return f"skipped: coqc is not installed, {INSTALL}"
    with tempfile.TemporaryDirectory() as directory:
        Path(directory, "Probe.v").write_text("From Coquelicot Require Import Coquelicot.\n")
        probe = _compile(coqc, Path(directory), "Probe")
    return "" if probe.ok else f"skipped: coqc does not find Coquelicot, {INSTALL}"


@contextmanager
def workspace(directory: Path = PROOFS) -> Iterator[Workspace]:
    """Compile all files of ``directory`` in a copy, in the order of its ``_CoqProject``, up to the first failure."""
    coqc = find_coqc()
    if coqc is None:
        raise UsageError(f"coqc is not installed, {INSTALL}")
    names = in_order(directory)
    with tempfile.TemporaryDirectory() as temporary:
        copy, done = Path(temporary), list[Compiled]()
        for name in names:
            shutil.copyfile(directory / f"{name}.v", copy / f"{name}.v")
        for name in names:
            done.append(_compile(coqc, copy, name))
            if not done[-1].ok:
                break
        yield Workspace(coqc, copy, tuple(done))


def check_proofs(directory: Path = PROOFS) -> CoqReport:
    """Compile the proofs and hold what each theorem assumes against what is stated."""
    reason = why_skipped()
    if reason:
        return CoqReport(reason)
    with workspace(directory) as there:
        compiled = [file.name for file in there.files if file.ok]
        names = {name: theorems_in((there.directory / f"{name}.v").read_text(encoding="utf-8")) for name in compiled}
        audits = tuple(audit(there, file, theorems) for file, theorems in names.items() if theorems)
        return CoqReport("", _version(there.coqc), there.files, audits)


def in_order(directory: Path) -> list[str]:
    """The files of a ``_CoqProject``, which must be all there are, without their suffix."""
    project = directory / "_CoqProject"
    if not project.is_file():
        raise UsageError(f"{directory} has no _CoqProject: the proofs come with a checkout of the sources, not a wheel")
    names = [line.removesuffix(".v") for line in project.read_text().splitlines() if line.endswith(".v")]
    there = {path.stem for path in directory.glob("*.v")}
    if set(names) != there:
        raise UsageError(f"{project} must list every .v file once; it differs in {sorted(set(names) ^ there)}")
    return names


def theorems_in(source: str) -> list[str]:
    """The names after ``Theorem`` and ``Example``, outside comments (which nest) and strings."""
    return re.findall(r"^\s*(?:Theorem|Example)\s+([\w']+)", _without_comments(source), flags=re.MULTILINE)


def audit(there: Workspace, file: str, theorems: list[str]) -> Audit:
    """Ask ``Print Assumptions`` of all theorems of a file at once, and of each alone only if there is something to find.

    A question costs about a second where the real numbers are involved, whatever the number of theorems in it.
    """
    taken = _ask(there, file, theorems)
    allowed = STATED.get(file, frozenset())
    unstated = []
    if set(taken) - allowed:
        unstated = [(one, axiom) for one in theorems for axiom in _ask(there, file, [one]) if axiom not in allowed]
        unstated = unstated or [("all", axiom) for axiom in taken if axiom not in allowed]
    return Audit(file, tuple(theorems), taken, tuple(unstated))


def _ask(there: Workspace, file: str, theorems: list[str]) -> tuple[str, ...]:
    bundle = ", ".join(f"@GradCheck.{file}.{name}" for name in theorems)
    asked = there.compile(
        "Question", f"Require GradCheck.{file}.\nDefinition all := ({bundle}, tt).\nPrint Assumptions all.\n"
    )
    return parse_assumptions(asked.said) if asked.ok else (f"not answered: {asked.message}",)


def parse_assumptions(said: str) -> tuple[str, ...]:
    """Each axiom that ``Print Assumptions`` lists, "name : statement", on one line.

    What is not understood is an assumption: nothing is passed over.
    """
    lines = [line for line in said.splitlines() if line.strip()]
    if lines == [CLOSED]:
        return ()
    if len(lines) < 2 or lines[0] != "Axioms:" or lines[1][0].isspace():
        return ("not understood: " + " ".join(said.split()),)
    axioms: list[str] = []
    for line in lines[1:]:
        if line[0].isspace():
            axioms[-1] += " " + line.strip()  # a statement runs over lines, which are indented
        else:
            axioms.append(line.strip())
    return tuple(axioms)


def _compile(coqc: Path, directory: Path, name: str) -> Compiled:
    start = time.perf_counter()
    command = [str(coqc), "-q", "-Q", ".", "GradCheck", f"{name}.v"]
    try:
        run = subprocess.run(command, cwd=directory, capture_output=True, encoding="utf-8", timeout=LIMIT, check=False)
    except subprocess.TimeoutExpired:
        return Compiled(name, False, LIMIT, f"no answer within {LIMIT:.0f} s")
    message = "" if run.returncode == 0 else (run.stderr.strip() or run.stdout.strip() or f"exit {run.returncode}")
    return Compiled(name, run.returncode == 0, time.perf_counter() - start, message, run.stdout)


def _version(coqc: Path) -> str:
    said = subprocess.run([str(coqc), "--print-version"], capture_output=True, text=True, check=True, timeout=LIMIT)
    return said.stdout.split()[0]


def _without_comments(source: str) -> str:
    kept, depth, quoted, place = [], 0, False, 0
    while place < len(source):
        two = source[place : place + 2]
        if source[place] == '"':
            quoted = not quoted  # Coq reads strings inside comments too
        elif not quoted and two in ("(*", "*)"):
            depth += 1 if two == "(*" else -1
            place += 2
            continue
        elif not quoted and depth == 0:
            kept.append(source[place])
        place += 1
    return "".join(kept)
