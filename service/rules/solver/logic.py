"""And, or: what z3's own Python spends most of its time on, with the checks of types left out."""

import z3

_CONTEXT = z3.main_ctx()


def all_of(*parts: z3.BoolRef) -> z3.BoolRef:
    """Return whether all *parts* hold; true of none."""
    if len(parts) == 1:
        return parts[0]
    return z3.BoolRef(z3.Z3_mk_and(_CONTEXT.ref(), len(parts), _array(parts)), _CONTEXT)


def any_of(*parts: z3.BoolRef) -> z3.BoolRef:
    """Return whether any of *parts* holds; false of none."""
    if len(parts) == 1:
        return parts[0]
    return z3.BoolRef(z3.Z3_mk_or(_CONTEXT.ref(), len(parts), _array(parts)), _CONTEXT)


def _array(parts: tuple[z3.BoolRef, ...]) -> object:
    return (z3.Ast * len(parts))(*[part.as_ast() for part in parts])
