"""The words after the magics: options, then the call."""

import pytest

from jaxdiff_magic.base.errors import InputError
from jaxdiff_magic.notebook.typed_options import OPTIONS, manual, read_line, suggest


@pytest.mark.parametrize(
    ("line", "settings"),
    [
        ("--order 3 f(x)", {"order": 3}),
        ("--order=3 f(x)", {"order": 3}),
        ("--order 3   --seed 7 f(x)", {"order": 3, "seed": 7}),
        ("--points 0 f(x)", {"points": 0}),
        ("--budget 0.5 f(x)", {"budget": 0.5}),
        ("--layout denominator f(x)", {"layout": "denominator"}),
        ("--cost none f(x)", {"cost": "none"}),
        ("--no-symbolic f(x)", {"symbolic": False}),
        ("--only cost f(x)", {"sections": ("cost",)}),
        ("--only cost,check f(x)", {"sections": ("cost", "check")}),
        ("--only cost, check f(x)", {"sections": ("cost", "check")}),
        ('--mine "X.T @ (X @ w - y)" f(x)', {"mine": "X.T @ (X @ w - y)"}),
        ("--mine='x0^2 + \"\"' f(x)", {"mine": 'x0^2 + ""'}),
        ("--mine 2*x f(x)", {"mine": "2*x"}),
        ('--mine "x: 2*x" f(x)', {"mine": {"x": "2 * x"}}),
        ("--mine \"p['w']: 2*x[0:1], b: g(a, b)\" f(x)", {"mine": {"p['w']": "2 * x[0:1]", "b": "g(a, b)"}}),
        ('--mine "w: 1" --mine "b: 2" f(x)', {"mine": {"w": "1", "b": "2"}}),
        ('--mine "1" --mine "2" f(x)', {"mine": "2"}),
        ("--export-test tests/test_f.py f(x)", {"export_test": "tests/test_f.py"}),
        ("--export-test 'a b/test_f.py' f(x)", {"export_test": "a b/test_f.py"}),
        ("--wrt x f(x)", {"wrt": "x"}),
        ("--wrt x,A f(x)", {"wrt": ("x", "A")}),
        ("--wrt=x, A f(x)", {"wrt": ("x", "A")}),
        ("--wrt 1 f(x)", {"wrt": 1}),
        ("--wrt 0,2 f(x)", {"wrt": (0, 2)}),
        ('--wrt params["W"] f(x)', {"wrt": "params['W']"}),
        ("--wrt params['a, b'][0],x f(x)", {"wrt": ("params['a, b'][0]", "x")}),
        ("--wrt model.weight f(x)", {"wrt": "model.weight"}),
        ("--wrt \"params['W']\" f(x)", {"wrt": "params['W']"}),
    ],
)
def test_options_come_before_the_call(line, settings):
    assert read_line(line) == (settings, "f(x)")


@pytest.mark.parametrize(
    "call",
    [
        "f(x, A)",
        "f({'a': 1}, $x, {x})",
        "f('a, b)', \"it's\")",
        "f(x, mode='--order 3')",
        "f( x - --y )",
        "(lambda x: x**2)(3.0)  # cubed --later",
        "",
    ],
)
def test_the_call_is_kept_exactly_as_written(call):
    assert read_line(f"  --seed 1 {call}") == ({"seed": 1}, call)
    assert read_line(call) == ({}, call)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--ordr 3 f(x)", ["--ordr", "Did you mean --order?", "%derive?"]),
        ("--ORDER 3 f(x)", ["Did you mean --order?"]),
        ("-- f(x)", ["--wrt", "--no-symbolic"]),
        ("--order three f(x)", ["--order three", "a whole number from 1"]),
        ("--order 0 f(x)", ["a whole number from 1"]),
        ("--order f(x)", ["--order f(x)", "a whole number from 1"]),
        ("--order", ["--order needs a value", "a whole number from 1"]),
        ("--points -1 f(x)", ["--points -1", "a whole number"]),
        ("--budget nan f(x)", ["--budget nan", "a number of seconds"]),
        ("--layout numertor f(x)", ["numerator or denominator", "Did you mean numerator?"]),
        ("--cost measured f(x)", ["measure, count or none", "Did you mean measure?"]),
        ("--only cost,chek f(x)", ["derivation", "Did you mean check?"]),
        ("--mine", ["--mine needs a value", "in quotes"]),
        ('--mine "" f(x)', ["in quotes"]),
        ("--export-test f(x)", ["--export-test f(x)", "ends in .py"]),
        ("--wrt f(x)", ["--wrt f(x)", "x,A or params['W']"]),
        ("--wrt x+1 f(x)", ["x,A or params['W']"]),
        ("--wrt () f(x)", ["x,A or params['W']"]),
        ("--wrt 1.5 f(x)", ["x,A or params['W']"]),
        ("--no-symbolic=1 f(x)", ["--no-symbolic takes no value"]),
    ],
)
def test_a_wrong_option_says_what_is_allowed(line, words):
    with pytest.raises(InputError) as error:
        read_line(line)
    assert [word for word in words if word not in str(error.value)] == []


@pytest.mark.parametrize(
    ("text", "suggestions"),
    [
        ("--la", ("--la", ["--layout"])),
        ("-", ("-", [f"--{name}" for name in OPTIONS])),
        ("--wrt x,A --or", ("--or", ["--order"])),
        ("--layout ", ("", ["numerator", "denominator"])),
        ("--layout den", ("den", ["denominator"])),
        ("--layout=den", ("den", ["denominator"])),
        ("--only cost,c", ("c", ["check", "cost", "curvature"])),
        ("--order 3 --cost m", ("m", ["measure"])),
    ],
)
def test_tab_offers_options_and_their_values(text, suggestions):
    assert suggest(text) == suggestions


@pytest.mark.parametrize("text", ["", "f", "f(x, --la", "f(x) --la", "--order 3 f(-", "--wrt ", "--nonsense 3 --la"])
def test_tab_offers_nothing_within_the_call(text):
    assert suggest(text)[1] == []


def test_the_manual_explains_every_option():
    assert [name for name in OPTIONS if f"--{name} " not in manual()] == []
