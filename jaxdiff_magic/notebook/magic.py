"""`%derive` and `%%derive`, their Tab completion and `%config DeriveMagics`."""

from __future__ import annotations

from typing import Any

from IPython.core.completer import CompletionContext, SimpleCompletion, SimpleMatcherResult, context_matcher
from IPython.core.magic import Magics, line_cell_magic, magics_class, needs_local_scope, no_var_expand
from traitlets import Bool, Enum, Float, Int

# Everything else is imported where it is used: loading the extension should take no longer than an empty one. So the
# preferences repeat the defaults of `base.options.Options`, which a test holds them to.


def load(shell: Any) -> None:
    """Add the magics, their Tab completion and `%config DeriveMagics`; a second time does nothing."""
    if _loaded(shell) is None:
        magics = DeriveMagics(shell)  # which enters itself among the shell's configurables
        shell.register_magics(magics)
        shell.Completer.custom_matchers.append(magics.complete)


def unload(shell: Any) -> None:
    """Remove what `load` added, and give back magics of the same name that were there before."""
    magics = _loaded(shell)
    if magics is None:
        return
    shell.Completer.custom_matchers.remove(magics.complete)
    shell.configurables.remove(magics)
    del shell.magics_manager.registry[type(magics).__name__]
    for kind, table in shell.magics_manager.magics.items():
        if table.get("derive") == magics.derive:  # else the user has defined another one since
            del table["derive"]
            table.update(magics.replaced[kind])


def _loaded(shell: Any) -> DeriveMagics | None:
    return next((item for item in shell.configurables if isinstance(item, DeriveMagics)), None)


def _manual() -> str:
    from jaxdiff_magic.notebook.typed_options import manual

    return manual()


@magics_class
class DeriveMagics(Magics):
    """The magics, and the preferences that `%config DeriveMagics` sets, used where no option says otherwise.

    Attributes:
        replaced: the magics of the same name that were there before, by kind ("line", "cell").
    """

    order = Int(2, min=1, help="The highest derivative.").tag(config=True)
    symbolic = Bool(True, help="Whether to derive formulas.").tag(config=True)
    cost = Enum(("measure", "count", "none"), "measure", help="How to find what forward and reverse mode cost.").tag(
        config=True
    )
    layout = Enum(("numerator", "denominator"), "numerator", help="Which way round a Jacobian is shown.").tag(
        config=True
    )
    points = Int(64, min=0, help="Random points that the check compares.").tag(config=True)
    budget = Float(10.0, min=0.0, help="Seconds that formulas and measuring may take.").tag(config=True)
    seed = Int(0, min=0, help="Seed of the random points.").tag(config=True)
    panel = Bool(True, help="Whether a notebook shows the live panel.").tag(config=True)

    def __init__(self, shell: Any) -> None:
        super().__init__(shell=shell, parent=shell)
        self.replaced = {
            kind: {name: magic for name, magic in table.items() if name == "derive"}
            for kind, table in shell.magics_manager.magics.items()
        }

    @no_var_expand
    @needs_local_scope
    @line_cell_magic
    def derive(self, line: str, cell: str | None = None, local_ns: dict[str, Any] | None = None) -> Any:
        """Differentiate a call: its derivatives, a check of them, and what they cost. See %derive?"""
        from jaxdiff_magic.base.errors import InputError
        from jaxdiff_magic.notebook.cells import caught_call, show_briefly
        from jaxdiff_magic.notebook.derived_call import NoLastCall
        from jaxdiff_magic.notebook.endings import line_to_write, other_line
        from jaxdiff_magic.notebook.typed_options import read_line

        try:
            options, text = read_line(line)
            statements: list[Any] = []
            try:
                call = caught_call(self.shell, line, text, cell, local_ns, statements)
                if call is None:
                    return None
                return self._report(*call, **self._evaluable(options, local_ns))
            except NoLastCall:
                raise InputError(line_to_write(statements, self._names(local_ns))) from None
            except InputError as error:
                raise InputError(f"{error}{other_line(statements, self._names(local_ns))}") from None
        except Exception as error:
            show_briefly(self.shell, error)
            raise

    derive.getdoc = _manual  # type: ignore[attr-defined]  # what IPython shows for %derive?

    def _evaluable(self, options: dict[str, Any], local_ns: dict[str, Any] | None) -> dict[str, Any]:
        """The options, a reader's own derivation with the names that are defined around the magic."""
        if "mine" not in options:
            return options
        from jaxdiff_magic.checking.grading import with_names

        return options | {"mine": with_names(options["mine"], self._names(local_ns))}

    def _names(self, local_ns: dict[str, Any] | None) -> dict[str, Any]:
        """What is defined around the magic."""
        return {**(self.shell.user_ns if self.shell else {}), **(local_ns or {})}

    def _report(self, function: Any, args: Any, kwargs: Any, **options: Any) -> Any:
        import dataclasses

        from jaxdiff_magic.base.progress import told_by
        from jaxdiff_magic.pipeline import derive

        options = {name: getattr(self, name) for name in self.class_own_traits(config=True)} | options
        if not options.pop("panel"):
            options["with_panel"] = False
        file = options.pop("export_test", None)
        shown = {name: options.pop(name) for name in ("sections", "with_panel") if name in options}
        with told_by(self.shell, "differentiating"):
            report = derive(function, **options)(*args, **kwargs)
        if file:
            print(f"The test is in {report.export_test(file)}. Run it with pytest.")
        return dataclasses.replace(report, **shown) if shown else report

    @context_matcher()
    def complete(self, context: CompletionContext) -> SimpleMatcherResult:
        """Options and their values for Tab; nothing outside the magics' lines, nor within the call there."""
        import re

        from jaxdiff_magic.notebook.typed_options import suggest

        line = context.full_text.split("\n")[context.cursor_line][: context.cursor_position]
        magic = re.match(r"\s*(?:[^%=]+=\s*)?%%?derive\s+", line)
        fragment, words = suggest(line[magic.end() :]) if magic else ("", [])
        completions = [SimpleCompletion(text=word, type="option") for word in words]
        return {"completions": completions, "matched_fragment": fragment, "suppress": bool(completions)}
