"""What finished work depends on: the code that made it, found by following the program from a function on.

`code` names everything of this package that a function uses, one definition after the other, and the versions of
other packages. Finished work is old when one of these changes; comments, docstrings and types do not count. Sources
are noted as they are loaded, so that a file that is edited while a process runs is not taken for what runs.

Only names are followed: where a function is given an object, give `code` the object's class as well. What one module
changes in another, such as a dictionary to which a decorator adds functions, is not seen, nor are `import *` and names
in strings.
"""

import ast
import functools
import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Iterator
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from typing import Any, NamedTuple

PACKAGE = __name__.split(".")[0]
SOURCES: dict[str, bytes] = {}  # of each module of this package, as this process loaded it


class _Loader(SourceFileLoader):
    """Compiles the source that it notes: a .pyc file may be of another version."""

    def get_code(self, fullname: str) -> Any:
        if fullname in SOURCES:  # loaded again, as by JupyterLab's autoreload
            _module.cache_clear()
            _dependencies.cache_clear()
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
    imported name is from, here or in a function (module, name, or None for the module itself)."""

    defined: dict[str, list[ast.stmt]]
    effects: list[ast.stmt]
    imported: dict[str, set[tuple[str, str | None]]]


@functools.cache
def _module(name: str) -> _Module:
    path = importlib.import_module(name).__file__ or ""
    if name not in SOURCES:  # `maskdet` itself and this module, loaded before there was anything to note
        SOURCES[name] = Path(path).read_bytes()
    tree = _Bare().visit(ast.parse(SOURCES[name]))
    package = name if path.endswith("__init__.py") else name.rpartition(".")[0]
    found = _Module({}, [], {})
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                bound = alias.name if alias.asname else alias.name.split(".")[0]
                found.imported.setdefault(alias.asname or bound, set()).add((bound, None))
        elif isinstance(node, ast.ImportFrom):
            source = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            for alias in node.names:
                found.imported.setdefault(alias.asname or alias.name, set()).add((source, alias.name))
    for statement in tree.body:
        names = _defines(statement)
        for one in names:
            found.defined.setdefault(one, []).append(statement)
        if not names and not isinstance(statement, (ast.Import, ast.ImportFrom)):
            found.effects.append(statement)
    return found


class _Bare(ast.NodeTransformer):
    """Takes docstrings and types out, and what a module does only where it is run as a command."""

    def visit_If(self, node: ast.If) -> ast.AST | None:
        return None if ast.unparse(node.test) == "__name__ == '__main__'" else self.generic_visit(node)

    def generic_visit(self, node: ast.AST) -> ast.AST:
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node, False) is not None:
            node.body = node.body[1:]
        for name in {"annotation", "returns"}.intersection(node._fields):
            setattr(node, name, None)
        for _, block in ast.iter_fields(node) if not isinstance(node, ast.ClassDef) else ():  # in a class it is a field
            if isinstance(block, list):
                block[:] = [ast.Assign([one.target], one.value) if isinstance(one, ast.AnnAssign) and one.value else one
                            for one in block]
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
    if isinstance(node, ast.Import):  # in a function, perhaps for what the module does when it is loaded
        yield from (alias.name.split(".") for alias in node.names)
    for child in ast.iter_child_nodes(node):
        yield from _uses(child)


Place = tuple[str, str | None]  # a module and a name in it; None: all of it, "": what it does when it is loaded


def _found(module: str, name: str | None, rest: list[str]) -> set[Place]:
    """The places that define `name`, as used in `module` with the attributes `rest`, and the modules passed on the way;
    none for a local name or a builtin."""
    if module.split(".")[0] != PACKAGE:
        return {(module.split(".")[0], None)}
    try:
        known = _module(module)
    except ModuleNotFoundError:  # no module: another attribute of a package, or an import that may fail
        return set()
    if name is None:
        return _found(module, rest[0], rest[1:]) if rest else {(module, None)}
    passed: set[Place] = {(module, "")} if module != PACKAGE else set()
    found: set[Place] = {(module, name)} if name in known.defined else set()
    for source in known.imported.get(name, set()) - {(module, name)}:
        found |= passed | _found(*source, rest)
    return found or passed | _found(f"{module}.{name}", None, rest)


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
                found[module] = _versions().get(module, "")
            continue
        known = _module(module)
        names = list(known.defined) if name is None else [name] * bool(name)
        statements = [statement for one in names for statement in known.defined[one]] + known.effects
        if trees := "\n".join(ast.dump(statement) for statement in statements):
            found[f"{module}:{name}"] = hashlib.sha256(trees.encode()).hexdigest()
        places = {place for statement in statements for use in _uses(statement)
                  if use[0] in known.defined or use[0] in known.imported
                  for place in _found(module, use[0], use[1:])}
        todo += places - seen
        seen |= places
    return found


@functools.cache
def _versions() -> dict[str, str]:
    from importlib import metadata  # half of what it takes to import this package

    return {package: ", ".join(map(metadata.version, sorted(set(names))))
            for package, names in metadata.packages_distributions().items()}


def dependencies(*objects: Any) -> dict[str, str]:
    """What functions or classes depend on, by name: definitions as "module:name", and packages.

    Of an object from elsewhere, such as a class in a notebook, its own source counts.
    """
    import inspect  # not needed to import this package

    found: dict[str, str] = {}
    for item in objects:
        module, name = item.__module__, item.__qualname__.split(".")[0]
        if module == "__main__" and (spec := sys.modules[module].__spec__):
            module = spec.name  # of this package, where it is run by `python -m`
        if module.split(".")[0] == PACKAGE:
            found |= _dependencies(module, name)
        else:
            found[f"{module}:{name}"] = inspect.getsource(item)
    return found


def code(*objects: Any) -> str:
    """A name (16 hexadecimal digits) for all that `dependencies` finds: another, once any of it has changed."""
    return hashlib.sha256(repr(sorted(dependencies(*objects).items())).encode()).hexdigest()[:16]
