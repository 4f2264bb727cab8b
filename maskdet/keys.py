"""What finished work depends on: the code that made it, found by following the program from a function on.

`code` names everything of this package that a function uses, one definition after the other, and the versions of
other packages: what makes finished work old is a change in one of these, and no comment, docstring or type. Sources
are noted as they are loaded, so that a file that is edited while a process runs is not taken for what runs.
"""

import ast
import functools
import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Iterator
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType
from typing import Any, NamedTuple

PACKAGE = __name__.split(".")[0]
SOURCES: dict[str, bytes] = {}  # of each module of this package, as this process loaded it


class _Loader(SourceFileLoader):
    """Runs the very source that it notes, never a compiled file of another one."""

    def get_code(self, fullname: str) -> Any:
        SOURCES[fullname] = self.get_data(self.path)
        return self.source_to_code(SOURCES[fullname], self.path)


class _Finder(PathFinder):
    @classmethod
    def find_spec(cls, fullname, path=None, target=None) -> ModuleSpec | None:
        spec = super().find_spec(fullname, path, target) if fullname.startswith(f"{PACKAGE}.") else None
        if spec is not None and type(spec.loader) is SourceFileLoader:
            spec.loader = _Loader(spec.loader.name, spec.loader.path)
        return spec


def note() -> None:
    """Note the source of each module of this package that is loaded from now on."""
    sys.meta_path.insert(0, _Finder)


class _Module(NamedTuple):
    """A module's top level: statements by the name that they define, those that define none, and where each
    imported name is from (module, name, or None for the module itself)."""

    defined: dict[str, list[ast.stmt]]
    effects: list[ast.stmt]
    imported: dict[str, tuple[str, str | None]]


@functools.cache
def _module(name: str) -> _Module:
    path = importlib.import_module(name).__file__ or ""
    if name not in SOURCES:  # `maskdet` itself and this module, loaded before there was anything to note
        with open(path, "rb") as file:
            SOURCES[name] = file.read()
    tree = _Bare().visit(ast.parse(SOURCES[name]))
    package = name if path.endswith("__init__.py") else name.rpartition(".")[0]
    found = _Module({}, [], {})
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                found.imported[alias.asname or alias.name.split(".")[0]] = (
                    alias.name if alias.asname else alias.name.split(".")[0], None)
        elif isinstance(node, ast.ImportFrom):
            source = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            found.imported.update({alias.asname or alias.name: (source, alias.name) for alias in node.names})
    for statement in tree.body:
        names = _defines(statement)
        for one in names:
            found.defined.setdefault(one, []).append(statement)
        if not names and not isinstance(statement, (ast.Import, ast.ImportFrom)):
            found.effects.append(statement)
    return found


class _Bare(ast.NodeTransformer):
    """Takes docstrings out, and the types of arguments and results."""

    def generic_visit(self, node: ast.AST) -> ast.AST:
        body = getattr(node, "body", None)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node, False) is not None:
            node.body = body[1:] or [ast.Pass()]
        if isinstance(node, ast.FunctionDef):
            node.returns = None
        if isinstance(node, ast.arg):
            node.annotation = None
        return super().generic_visit(node)


def _defines(statement: ast.stmt) -> list[str]:
    if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
        return [statement.name]
    if not isinstance(statement, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
        return []
    return [node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]


def _uses(node: ast.AST) -> Iterator[list[str]]:
    """The names that a statement uses, each with the attributes that are asked of it: ["np", "float32"]."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.insert(0, node.attr)
        node = node.value
    if isinstance(node, ast.Name):
        yield [node.id, *parts]
        return
    for name, child in ast.iter_fields(node):
        if name == "annotation":
            continue  # of a field: its name counts, and is in the tree
        for one in child if isinstance(child, list) else [child]:
            if isinstance(one, ast.AST):
                yield from _uses(one)


Place = tuple[str, str | None]  # a module, and a name in it; None for all of it, "" for what it does when it is loaded


def _found(module: str, name: str | None, rest: list[str]) -> set[Place]:
    """Where a name that is used in a module is defined, `rest` being what is asked of it, and the modules on the way;
    nothing for a local name or one that Python knows."""
    if module.split(".")[0] != PACKAGE:
        return {(module.split(".")[0], None)}
    if name is None:
        return _found(module, rest[0], rest[1:]) if rest else {(module, None)}
    known = _module(module)
    if name in known.defined:
        return {(module, name)}
    passed = {(module, "")} if module != PACKAGE else set()
    source = known.imported.get(name)
    if source is not None and source != (module, name):
        return passed | _found(*source, rest)
    try:
        importlib.import_module(f"{module}.{name}")
    except ModuleNotFoundError:
        return set()
    return passed | _found(f"{module}.{name}", None, rest)


def _used(module: str, name: str | None) -> tuple[list[ast.stmt], set[Place]]:
    """The statements that define a name, with those of its module that define none, and what they use elsewhere."""
    known = _module(module)
    names = list(known.defined) if name is None else [name] * bool(name)
    statements = [statement for one in names for statement in known.defined[one]] + known.effects
    return statements, {place for statement in statements for use in _uses(statement)
                        if use[0] in known.defined or use[0] in known.imported
                        for place in _found(module, use[0], use[1:])}


@functools.cache
def _dependencies(module: str, name: str | None) -> dict[str, str]:
    """Everything that a definition depends on: the digest of each statement's tree, the version of each package."""
    todo: list[Place] = [(module, name)]
    seen: set[Place] = set(todo)
    found: dict[str, str] = {}
    while todo:
        module, name = todo.pop()
        if module.split(".")[0] != PACKAGE:
            if module not in sys.stdlib_module_names:
                found[module] = _version(module)
            continue
        statements, places = _used(module, name)
        trees = "\n".join(ast.dump(statement) for statement in statements)
        found[f"{module}:{name}"] = hashlib.sha256(trees.encode()).hexdigest()
        todo += places - seen
        seen |= places
    return found


def _version(package: str) -> str:
    from importlib import metadata  # half of what it takes to import this package

    return metadata.version(_distributions()[package][0])


@functools.cache
def _distributions() -> Any:
    from importlib import metadata

    return metadata.packages_distributions()


def dependencies(*objects: Any) -> dict[str, str]:
    """What functions, classes or modules depend on, by name: definitions as "module:name", and packages.

    Of what is not of this package, such as a class in a notebook, the source itself counts.
    """
    import inspect  # not needed to import this package

    found: dict[str, str] = {}
    for item in objects:
        module, name = ((item.__name__, None) if isinstance(item, ModuleType) else
                        (item.__module__, item.__qualname__.split(".")[0]))
        if module.split(".")[0] == PACKAGE:
            found |= _dependencies(module, name)
        else:
            found[f"{module}:{name}"] = inspect.getsource(item)
    return found


def code(*objects: Any) -> str:
    """A name (16 hexadecimal digits) for all that `dependencies` finds: another, once any of it has changed."""
    return hashlib.sha256(repr(sorted(dependencies(*objects).items())).encode()).hexdigest()[:16]
