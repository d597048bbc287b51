"""A report as a reader holds it: the data, with the forms in which it shows, saves and exports itself."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.report import ReportData
from jaxdiff_magic.report.assertion import raise_if_wrong
from jaxdiff_magic.show import mimebundle
from jaxdiff_magic.show.exporting import export_test
from jaxdiff_magic.show.text import render_text


@dataclass(frozen=True, eq=False)
class Report(ReportData):
    """Everything that was found out about one function at one point.

    `value`, `gradient`, `jacobian` and `hessian` are what JAX would return: same pytree structure, same dtype;
    None where it does not exist or would not fit, with a finding that says why. `gradient` is None for outputs
    that are not scalar. With several differentiated arguments each is a tuple over them, as with `argnums`. `mine`
    are the grades of the reader's own derivations; `products` take the place of a scalar function's Hessian that would
    not fit; `leaves` is the table of the arguments' leaves, by which a model is shown first; `missing` is why there is
    no formula of the "function", or no "derivation".
    """

    def raise_if_wrong(self, strict: bool = False) -> None:
        """Raise `WrongDerivative`, naming the entry and both numbers, when the verdict is "differs".

        Args:
            strict: also when it is "out of reach".
        """
        raise_if_wrong(self.check, self.subject, strict)

    def jvp(self, v: Any) -> Any:
        """J v at the point, by forward mode, for a function of any size.

        Args:
            v: a direction, of the structure of `report.gradient` (of the arguments, where the result is no scalar).

        Returns:
            What the function returns, with the derivatives in place of its numbers.

        Raises:
            InputError: `v` has another structure.
            OutOfReach: JAX has no forward mode for this function, or the report was saved and loaded.

        Example:
            >>> import jax.numpy as jnp
            >>> report = derive(lambda x: x**2)(jnp.array([1.0, 2.0]))      # doctest: +SKIP
            >>> report.jvp(jnp.array([1.0, 0.0]))                           # doctest: +SKIP
            Array([2., 0.], dtype=float32)
        """
        return self._products_at_point().jvp(v)

    def vjp(self, u: Any) -> Any:
        """u'J at the point, by reverse mode; `u` has the structure of `report.value`. Errors as of `jvp`."""
        return self._products_at_point().vjp(u)

    def hvp(self, v: Any) -> Any:
        """H v of a scalar function at the point, by forward over reverse mode. Arguments and errors as of `jvp`."""
        return self._products_at_point().hvp(v)

    def vhv(self, v: Any) -> float:
        """v'H v of a scalar function at the point. Arguments and errors as of `jvp`."""
        return self._products_at_point().vhv(v)

    def diagonal(self, probes: int = 16, seed: int = 0) -> tuple[Any, Any]:
        """The diagonal of a scalar function's Hessian and its standard errors, both of the structure of the gradient.

        It is exact, with errors of 0, up to 1,024 inputs; beyond, it is estimated from some random vectors (C. Bekas,
        E. Kokiopoulou and Y. Saad, 2007). Errors as of `jvp`.
        """
        return self._products_at_point().diagonal(probes, seed)

    def _products_at_point(self) -> Any:
        if self.live is None:
            raise OutOfReach("a report that was saved and loaded has no function any more: derive it again")
        return self.live.products

    def export_test(self, path: str | os.PathLike[str]) -> str:
        """Write a pytest file that holds the verdict and the numbers of the first derivative; returns its path.

        Raises:
            InputError: the function, or something that it uses, cannot be written, or `path` is a file that was not
                exported; nothing is written then.
        """
        return export_test(self, path)

    def panel(self) -> Any:
        """The live panel, a widget: move the point and see everything move.

        Raises:
            OutOfReach: it has more than 4,096 inputs or outputs.
        """
        from jaxdiff_magic.show.panel import Panel

        return Panel(self)

    def save(self, path: str | os.PathLike[str]) -> str:
        """Write the panel as one page for any browser, which needs no network and no kernel; returns its path.

        The point can be moved where the function has a tape (`Live.tape`).

        Raises:
            OutOfReach: as for `panel`.
        """
        from jaxdiff_magic.show.panel import save

        return save(self, path)

    def _ipython_display_(self) -> None:
        """Where widgets live, show the panel before the static output, which is complete without it."""
        from jaxdiff_magic.show.panel.showing import show_panel

        show_panel(self)
        raise NotImplementedError  # which is how IPython is told to go on with the static output

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return mimebundle(self)

    def __str__(self) -> str:
        return render_text(self)
