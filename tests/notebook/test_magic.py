"""The magics in a real IPython shell and in a real kernel; what `derive` itself finds out is tested elsewhere."""

import dataclasses
import importlib
import inspect
import re
import subprocess
import sys

import nbformat
import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from traitlets.config import Config

from jaxdiff_magic import Report
from jaxdiff_magic.base.errors import InputError
from jaxdiff_magic.notebook.magic import DeriveMagics
from jaxdiff_magic.subject.subject import subject_of

derive_module = importlib.import_module("jaxdiff_magic.pipeline")


@dataclasses.dataclass(frozen=True)
class Answer:
    """Stands in for a Report: what was asked, and the function's value, traced by JAX."""

    function: object
    args: tuple
    kwargs: dict
    options: dict
    value: float
    sections: tuple = ()

    def __repr__(self):
        return f"<answer {self.value:g}>"


def stub(function, *, wrt=None, **options):
    def at(*args, **kwargs):
        subject = subject_of(function, args, kwargs, wrt)
        return Answer(function, args, kwargs, {"wrt": wrt, **options}, float(subject.tree(*subject.point)))

    return at


@pytest.fixture
def bare_shell(monkeypatch):
    monkeypatch.setattr(derive_module, "derive", stub)
    config = Config()
    config.HistoryManager.hist_file = ":memory:"
    config.InteractiveShell.colors = "nocolor"
    shell = InteractiveShell(config=config)
    yield shell
    shell.restore_sys_module_state()


@pytest.fixture
def shell(bare_shell):
    bare_shell.run_line_magic("load_ext", "jaxdiff_magic")
    return bare_shell


def answer(shell, cell):
    """What a cell that must succeed returns."""
    result = shell.run_cell(cell, store_history=True)
    result.raise_error()
    return result.result


def failure(shell, cell):
    """The error of a cell that must fail."""
    result = shell.run_cell(cell, store_history=True)
    assert not result.success
    return result.error_before_exec or result.error_in_exec


def names(shell):
    return {name for name in shell.user_ns if not re.fullmatch(r"_i?\d*|_+|_i+|In|Out|_dh|_oh|_ih|_exit_code", name)}


def completed(shell, text):
    """What Tab at the end of a text makes of it, by the way JupyterLab's kernel asks."""
    with provisionalcompleter():
        return [text[: c.start] + c.text for c in shell.Completer.completions(text, len(text))]


# The cell magic


def test_the_last_call_of_a_cell_is_derived(shell):
    result = answer(shell, "%%derive\ndef f(x, y=1.0):\n    return x**2 * y\n\nf(3.0, y=2.0)")
    assert (result.value, result.args, result.kwargs) == (18.0, (3.0,), {"y": 2.0})
    assert result.function is shell.user_ns["f"]


def test_the_report_is_displayed_once_and_kept_as_the_last_output(shell, capsys):
    result = answer(shell, "%%derive\ndef f(x):\n    return x**2\nf(3.0)")
    assert capsys.readouterr().out.count("<answer 9>") == 1
    assert answer(shell, "_") is result
    assert shell.user_ns["Out"][1] is result


@pytest.mark.parametrize("ending", [";", "  # the point", "\n\n# done\n", ";  # the point"])
def test_a_semicolon_or_comment_after_the_call_changes_nothing(shell, ending):
    assert answer(shell, f"%%derive\ndef f(x):\n    return x**2\nf(3.0){ending}").value == 9


def test_a_call_on_the_first_line_leaves_the_cell_as_it_is(shell, capsys):
    assert answer(shell, "%%derive --seed 3 f(2.0)\ndef f(x):\n    return x**3\n'last'").value == 8
    assert "'last'" in capsys.readouterr().out


def test_function_and_arguments_are_evaluated_once(shell):
    shell.run_cell("count = []\ndef point():\n    count.append(1)\n    return 3.0")
    answer(shell, "%%derive\ndef f(x):\n    return x\nf(point())")
    answer(shell, "%derive f(point())")
    assert len(shell.user_ns["count"]) == 2


def test_of_several_functions_the_called_one_is_derived(shell):
    cell = "%%derive\ndef inner(x):\n    return x + 1\ndef outer(x):\n    return inner(x)**2\nouter(*[2.0])"
    assert answer(shell, cell).value == 9


@pytest.mark.parametrize(
    "body",
    [
        "(lambda x: x**2)(3.0)",
        "f = lambda x: x**2\nf(x=3.0) if False else None\nf(3.0)",
        "class Model:\n    def loss(self, x):\n        return x**2\nModel().loss(3.0)",
        "from functools import partial\ndef f(p, x):\n    return x**p\npartial(f, 2)(3.0)",
        "import jax\n@jax.jit\ndef f(x):\n    return x**2\nf(3.0)",
        "def f(x, options):\n    return x**options['p']\nf(3.0, {'p': 2})",
        "def f(x, mode):\n    return x**2 if mode == 'a, (b)' else x\nf(3.0, mode='a, (b)')",
    ],
)
def test_any_kind_of_callable_can_be_derived(shell, body):
    assert answer(shell, f"%%derive\n{body}").value == 9


def test_magics_and_await_work_in_the_cell(shell, capsys):
    cell = """%%derive
import asyncio
await asyncio.sleep(0)
%time y = 2.0
twice = %derive (lambda t: 2 * t)(y)
def f(x):
    return x**2 + twice.value
f(3.0)"""
    assert answer(shell, cell).value == 13
    assert "Wall time" in capsys.readouterr().out


def test_another_cell_magic_can_run_in_the_cell(shell, capsys):
    assert answer(shell, "%%derive f(3.0)\n%%time\ndef f(x):\n    return x**2").value == 9
    assert "Wall time" in capsys.readouterr().out


def test_the_source_of_the_function_can_be_found(shell):
    result = answer(shell, "%%derive\n# a comment\ndef f(x):\n    return x**2\nf(3.0)")
    assert inspect.getsource(result.function) == "def f(x):\n    return x**2\n"
    assert result.function.__code__.co_firstlineno == 3  # as the notebook numbers the cell's lines


def test_an_indented_cell_runs_as_it_would_without_the_magic(shell):
    assert answer(shell, "%%derive\n    def f(x):\n        return x**2\n    f(3.0)").value == 9


# The line magic


def test_a_call_on_one_line_returns_its_report(shell, capsys):
    answer(shell, "def f(x):\n    return x**2")
    answer(shell, "r = %derive f(3.0)")
    assert shell.user_ns["r"].value == 9
    assert "<answer" not in capsys.readouterr().out


def test_braces_and_dollars_in_the_line_are_pythons(shell):
    shell.run_cell("x = 2.0\ndef f(v, mode):\n    return v**len(mode)")
    assert answer(shell, "%derive f(x, {x})").kwargs == {}
    assert answer(shell, "%derive f(x, '{x} $x')").args == (2.0, "{x} $x")
    assert answer(shell, "%derive f(x, **{'mode': [x, x]})").kwargs == {"mode": [2.0, 2.0]}


def test_a_line_in_a_function_sees_the_functions_variables(shell):
    shell.run_cell("def g(local):\n    r = %derive (lambda x: x**2)(local)\n    return r")
    assert answer(shell, "g(3.0)").value == 9


# Options and preferences


def test_options_reach_derive_and_the_report(shell):
    result = answer(shell, "%derive --wrt t --order 3 --only cost,check --no-symbolic (lambda x, t: x * t)(3.0, 2.0)")
    assert result.options["wrt"] == "t"
    assert (result.options["order"], result.options["symbolic"]) == (3, False)
    assert result.sections == ("cost", "check")


def test_preferences_are_used_where_no_option_says_otherwise(shell):
    shell.run_line_magic("config", "DeriveMagics.budget = 5")
    assert answer(shell, "%derive (lambda x: x)(3.0)").options["budget"] == 5
    assert answer(shell, "%derive --budget 2 (lambda x: x)(3.0)").options["budget"] == 2


def test_a_preference_that_is_not_allowed_is_refused(shell, caplog):
    shell.run_line_magic("config", "DeriveMagics.layout = 'sideways'")
    assert "numerator" in caplog.text
    assert answer(shell, "%derive (lambda x: x)(3.0)").options["layout"] == "numerator"


def test_the_preferences_start_as_the_defaults_of_derive(monkeypatch):
    monkeypatch.undo()
    parameters = inspect.signature(derive_module.derive).parameters
    preferences = {name: trait.default() for name, trait in DeriveMagics.class_own_traits(config=True).items()}
    assert preferences.pop("panel") is Report.__dataclass_fields__["with_panel"].default
    assert preferences == {name: parameters[name].default for name in preferences}
    assert set(preferences) == set(parameters) - {"f", "mine", "trust", "wrt"}


def test_help_is_a_manual_page(shell, capsys):
    shell.run_line_magic("pinfo", "%%derive")
    out = capsys.readouterr().out
    assert "--wrt x,A" in out and "%derive (lambda x: x**4)(2.0)" in out


@pytest.mark.parametrize(
    ("text", "offered"),
    [
        ("%derive --la", "--layout"),
        ("r = %derive --order 3 --la", "--layout"),
        ("%%derive --layout den", "denominator"),
        ("%derive --only cost,ch", "check"),
    ],
)
def test_tab_completes_options_and_nothing_else(shell, text, offered):
    assert completed(shell, text) == [text[: text.rindex(offered[:2])] + offered]


def test_tab_completes_the_call_as_everywhere(shell):
    shell.run_cell("my_long_name = 1")
    assert "%derive f(my_long_name" in completed(shell, "%derive f(my_lo")
    assert completed(shell, "print(1) --la") == []
    assert "--layout" not in str(completed(shell, "%derive f(x) --la"))


# What cannot be derived


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("%derive", ["%derive f(x0)"]),
        ("%derive f", ["%derive f(x0)"]),
        ("%derive f(1.0", ["'(' was never closed", "%derive f(x0)"]),
        ("%derive f(1.0) + 1", ["exactly one call"]),
        ("%derive f(1.0); f(2.0)", ["exactly one call"]),
        ("%derive r = f(1.0)", ["r = %derive f(1.0)"]),
        ("%derive --ordr 3 f(1.0)", ["Did you mean --order?"]),
        ("%derive f(3)", ["integer"]),
        ("%derive (lambda x: 'text')(3.0)", ["'text'"]),
        ("%%derive\n# nothing", ["nothing to differentiate", "%%derive f(x0)"]),
        ("%%derive --seed x\nf(1.0)", ["--seed x", "whole number"]),
    ],
)
def test_a_mistake_gives_one_clear_message_and_changes_nothing(shell, capsys, cell, words):
    shell.run_cell("def f(x):\n    return x**2", store_history=True)
    before = names(shell)
    capsys.readouterr()
    error = failure(shell, cell)
    out = capsys.readouterr().out
    assert isinstance(error, InputError)
    assert out.strip() == f"InputError: {error}"
    assert [word for word in words if word not in out] == []
    assert names(shell) == before
    assert answer(shell, "%derive f(3.0)").value == 9


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("%%derive\ndef g(x, y, z=1):\n    return x", ["End the cell with the call, g(x, y),", "%%derive g(x, y)"]),
        ("%%derive\ndef g(x):\n    return x\ng(1.0) + 1", ["g(x)", "no call"]),
        ("%%derive\ny = f(1.0)", ["Delete `y =`", "%%derive f(1.0)"]),
        ("%%derive\nprint(f(1.0))", ["Write f(1.0) there"]),
        ("%%derive\n%time f(1.0)", ["no call"]),
    ],
)
def test_a_cell_that_ends_with_something_else_runs_and_is_told_what_to_write(shell, capsys, cell, words):
    shell.run_cell("def f(x):\n    return x**2", store_history=True)
    shell.user_ns.pop("y", None)
    capsys.readouterr()
    error = failure(shell, cell)
    out = capsys.readouterr().out
    assert isinstance(error, InputError)
    assert out.endswith(f"InputError: {error}\n") and "Traceback" not in out
    assert [word for word in words if word not in out] == []
    assert ("y" in shell.user_ns) == ("y = " in cell)


def test_an_empty_cell_points_to_the_line_magic(shell, capsys):
    failure(shell, "%%derive f(1.0)")
    assert "Did you mean the line magic %derive" in capsys.readouterr().err


def test_outside_a_cell_the_error_of_the_body_is_raised(shell):
    assert shell.run_cell_magic("derive", "", "(lambda x: x)(3.0)").value == 3
    with pytest.raises(ZeroDivisionError):
        shell.run_cell_magic("derive", "", "(lambda x: x)(1 / 0)")


def test_a_cell_that_raises_shows_the_traceback_it_has_without_the_magic(shell, capsys):
    def shown(cell):
        assert isinstance(failure(shell, cell), ZeroDivisionError)
        return re.sub(r"<ipython-input-\d+-\w+>", "cell", capsys.readouterr().out)

    body = "def f(x):\n    return 1 / 0\n\nf(f(1.0))"
    assert "----> 5 f(f(1.0))" in shown(f"%%derive\n{body}")
    assert shown(f"%%derive\n{body}") == shown(f"# %%derive\n{body}")


def test_a_cell_that_raises_does_not_derive_the_function_of_the_last_run(shell):
    answer(shell, "%%derive\ndef f(x):\n    return x**2\nf(3.0)")
    assert isinstance(failure(shell, "%%derive\n1 / 0\ndef f(x):\n    return x**3\nf(3.0)"), ZeroDivisionError)
    assert isinstance(failure(shell, "%%derive f(3.0)\n1 / 0"), ZeroDivisionError)


def test_a_cell_that_does_not_compile_shows_its_own_error(shell, capsys):
    assert isinstance(failure(shell, "%%derive\ndef f(x):\n    return x +\nf(1.0)"), SyntaxError)
    out = capsys.readouterr().out
    assert ">:3\n    return x +" in out and out.count("SyntaxError") == 1
    assert answer(shell, "%%derive\ndef f(x):\n    return x**2\nf(3.0)").value == 9


def test_an_error_in_the_function_shows_the_users_frames_only(shell, capsys):
    error = failure(
        shell, "%%derive\nimport jax.numpy as jnp\ndef f(x):\n    return jnp.dot(x, jnp.ones(4))\nf(jnp.ones(3))"
    )
    out = capsys.readouterr().out
    assert type(error) is TypeError
    assert "----> 4     return jnp.dot(x, jnp.ones(4))" in out
    assert "run_cell_magic" not in out and "jaxdiff_magic" not in out and "site-packages" not in out


def test_an_error_on_a_line_shows_which_line_asked_for_it(shell, capsys):
    shell.run_cell("def f(x):\n    raise ValueError('boom')")
    failure(shell, "y = 1\n%derive f(1.0)")
    out = capsys.readouterr().out
    assert "----> 2 get_ipython().run_line_magic('derive', 'f(1.0)')" in out
    assert "----> 2     raise ValueError('boom')" in out
    assert "jaxdiff_magic" not in out


@pytest.mark.parametrize("cell", ["%derive f(nowhere)", "%%derive f(nowhere)\ny = 1", "%%derive\nf(nowhere)"])
def test_an_unknown_name_is_the_users_own_error(shell, capsys, cell):
    shell.run_cell("def f(x):\n    return x", store_history=True)
    assert isinstance(failure(shell, cell), NameError)
    out = capsys.readouterr().out
    assert "f(nowhere)" in out and out.count("NameError: name 'nowhere' is not defined") == 1
    assert "jaxdiff_magic" not in out


def test_an_interrupt_passes_through(shell, monkeypatch):
    def interrupted(function, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(derive_module, "derive", interrupted)
    assert isinstance(failure(shell, "%derive (lambda x: x)(1.0)"), KeyboardInterrupt)


def test_an_error_of_our_own_keeps_its_traceback(shell, capsys, monkeypatch):
    monkeypatch.setattr(DeriveMagics, "class_own_traits", None)
    failure(shell, "%derive (lambda x: x)(1.0)")
    assert "magic.py" in capsys.readouterr().out


def test_nothing_of_ours_is_left_in_the_users_namespace(shell):
    before = names(shell)
    answer(shell, "%%derive\n(lambda x: x)(1.0)")
    failure(shell, "%%derive\n(lambda x: x)(1 / 0)")
    assert names(shell) == before
    assert shell.ast_transformers == []


# Loading


def test_unloading_removes_exactly_what_loading_added(bare_shell):
    def added():
        return (
            {kind: set(table) for kind, table in bare_shell.magics_manager.magics.items()},
            set(bare_shell.magics_manager.registry),
            list(bare_shell.configurables),
            list(bare_shell.Completer.custom_matchers),
        )

    bare_shell.find_line_magic("load_ext")  # IPython loads its own magics when they are first needed
    before = added()
    bare_shell.run_line_magic("load_ext", "jaxdiff_magic")
    assert added() != before
    bare_shell.run_line_magic("unload_ext", "jaxdiff_magic")
    assert added() == before


def test_loading_twice_is_loading_once(bare_shell):
    import jaxdiff_magic

    before = len(bare_shell.configurables)
    jaxdiff_magic.load_ipython_extension(bare_shell)
    jaxdiff_magic.load_ipython_extension(bare_shell)
    assert len(bare_shell.configurables) == before + 1
    assert answer(bare_shell, "%derive (lambda x: x)(1.0)").value == 1


def test_unloading_gives_back_a_magic_of_the_same_name(bare_shell):
    bare_shell.register_magic_function(lambda line: "theirs", "line", "derive")
    bare_shell.run_line_magic("load_ext", "jaxdiff_magic")
    assert answer(bare_shell, "%derive (lambda x: x)(1.0)").value == 1
    bare_shell.run_line_magic("unload_ext", "jaxdiff_magic")
    assert answer(bare_shell, "%derive (lambda x: x)(1.0)") == "theirs"
    assert bare_shell.find_cell_magic("derive") is None


def test_unloading_leaves_a_magic_that_was_defined_since(shell):
    shell.register_magic_function(lambda line: "newer", "line", "derive")
    shell.run_line_magic("unload_ext", "jaxdiff_magic")
    assert answer(shell, "%derive (lambda x: x)(1.0)") == "newer"


def test_loading_imports_nothing_heavy():
    script = (
        "import sys; from IPython.core.interactiveshell import InteractiveShell\n"
        "InteractiveShell.instance().run_line_magic('load_ext', 'jaxdiff_magic')\n"
        "print(*{'jax', 'jaxlib', 'sympy', 'numpy', 'anywidget', 'matplotlib'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == ""


# In a kernel, as JupyterLab and nbconvert run it

STUB_IN_KERNEL = """\
import importlib
def stub(function, **options):
    return lambda *args: Answer(function(*args))
class Answer:
    def __init__(self, value):
        self.value = value
    def __repr__(self):
        return f"<answer {self.value:g}>"
importlib.import_module("jaxdiff_magic.pipeline").derive = stub
%load_ext jaxdiff_magic"""

KERNEL_CELLS = {
    "start": STUB_IN_KERNEL,
    "derived": """%%derive
import asyncio
await asyncio.sleep(0.01)
!echo from the shell
def f(x):
    return x**2
f(3.0);""",
    "misspelt": "%%derive --ordr 3\nf(3.0)",
    "raised": "%%derive\nx = 1 / 0\nf(3.0)",
    "unfinished": "%%derive\nf(3.0) +",
    "captured": "%%capture output\n%%derive\nf(3.0)",
    "afterwards": "output.show()\n%derive f(4.0)",
}


@pytest.fixture(scope="module")
def kernel_cells():
    """KERNEL_CELLS after a run in one kernel, and the names of those at which an automated run would have stopped."""
    cells = {name: nbformat.v4.new_code_cell(source) for name, source in KERNEL_CELLS.items()}
    client = NotebookClient(nbformat.v4.new_notebook(cells=list(cells.values())), timeout=120)
    stopped = []
    with client.setup_kernel():
        for index, name in enumerate(KERNEL_CELLS):
            try:
                client.execute_cell(client.nb.cells[index], index)
            except CellExecutionError:
                stopped.append(name)
    return cells, stopped


def test_in_a_kernel_a_cell_with_await_and_a_shell_command_displays_its_report_once(kernel_cells):
    stream, result = kernel_cells[0]["derived"].outputs
    assert stream.text.strip() == "from the shell"
    assert (result.output_type, result.execution_count) == ("execute_result", 2)
    assert result.data["text/plain"] == "<answer 9>"


def test_in_a_kernel_a_mistake_is_an_error_output_of_one_message(kernel_cells):
    (output,) = kernel_cells[0]["misspelt"].outputs
    assert (output.output_type, output.ename) == ("error", "InputError")
    assert output.traceback == [f"InputError: {output.evalue}"]
    assert "Did you mean --order?" in output.evalue


def test_in_a_kernel_a_cell_that_raises_is_shown_once_under_its_own_number(kernel_cells):
    (output,) = kernel_cells[0]["raised"].outputs
    assert output.ename == "ZeroDivisionError"
    text = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(output.traceback))
    assert "Cell In[4], line 2" in text and "----> 2 x = 1 / 0" in text


def test_in_a_kernel_a_cell_that_does_not_compile_is_shown_once(kernel_cells):
    (output,) = kernel_cells[0]["unfinished"].outputs
    assert output.ename == "SyntaxError"


def test_in_a_kernel_the_magic_works_within_another(kernel_cells):
    assert kernel_cells[0]["captured"].outputs == []
    assert "<answer 9>" in str(kernel_cells[0]["afterwards"].outputs[0])


def test_in_a_kernel_the_next_cell_works_after_errors(kernel_cells):
    assert kernel_cells[0]["afterwards"].outputs[-1].data["text/plain"] == "<answer 16>"


def test_an_automated_run_stops_at_each_failed_cell_and_no_other(kernel_cells):
    assert kernel_cells[1] == ["misspelt", "raised", "unfinished"]
