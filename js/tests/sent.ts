/** States of panels as a kernel sends them; tests/show/panel wrote them, and compares what it sends today. */

import type { PanelState } from "../src/wire";

export const cubic: PanelState = {
  "version": 1,
  "name": "cubic",
  "signature": "cubic : \u211d\u00b2 \u2192 \u211d   (float32)",
  "grade": null,
  "mine": [],
  "verdict": "proved",
  "summary": "for all 6 entries, the formula derived from the code and the one behind JAX's forward and reverse mode are the same expression; the numbers agree at the point and at 57 random points around it",
  "inputs": [
    {
      "name": "x",
      "shape": [
        2
      ],
      "dtype": "float32"
    }
  ],
  "outputs": [
    {
      "name": "cubic",
      "shape": [],
      "dtype": "float32"
    }
  ],
  "input_names": [
    "x[0]",
    "x[1]"
  ],
  "output_names": [
    "cubic"
  ],
  "point": [
    1.0,
    2.0
  ],
  "derivatives": [
    {
      "what": "value",
      "values": [
        10.0
      ],
      "formulas": null,
      "closed": [
        "x_{0}^{2} x_{1} + x_{1}^{3}"
      ],
      "missing": ""
    },
    {
      "what": "gradient",
      "values": [
        4.0,
        13.0
      ],
      "formulas": [
        "2 x_{0} x_{1}",
        "x_{0}^{2} + 3 x_{1}^{2}"
      ],
      "closed": [],
      "missing": ""
    },
    {
      "what": "hessian",
      "values": [
        4.0,
        2.0,
        2.0,
        12.0
      ],
      "formulas": [
        "2 x_{1}",
        "2 x_{0}",
        "2 x_{0}",
        "6 x_{1}"
      ],
      "closed": [],
      "missing": ""
    }
  ],
  "check": {
    "outcome": "proved",
    "summary": "for all 6 entries, the formula derived from the code and the one behind JAX's forward and reverse mode are the same expression; the numbers agree at the point and at 57 random points around it",
    "entries": [
      {
        "what": "gradient",
        "output": "cubic",
        "inputs": [
          "x[0]"
        ],
        "symbolic": 4.0,
        "forward": 4.0,
        "reverse": 4.0,
        "numeric": 4.000000000000006,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "gradient",
        "output": "cubic",
        "inputs": [
          "x[1]"
        ],
        "symbolic": 13.0,
        "forward": 13.0,
        "reverse": 13.0,
        "numeric": 12.999999999999947,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "cubic",
        "inputs": [
          "x[0]",
          "x[0]"
        ],
        "symbolic": 4.0,
        "forward": 4.0,
        "reverse": 4.0,
        "numeric": 4.000000000000004,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "cubic",
        "inputs": [
          "x[0]",
          "x[1]"
        ],
        "symbolic": 2.0,
        "forward": 2.0,
        "reverse": 2.0,
        "numeric": 2.000000000000002,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "cubic",
        "inputs": [
          "x[1]",
          "x[0]"
        ],
        "symbolic": 2.0,
        "forward": 2.0,
        "reverse": 2.0,
        "numeric": 1.99999999999999,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "cubic",
        "inputs": [
          "x[1]",
          "x[1]"
        ],
        "symbolic": 12.0,
        "forward": 12.0,
        "reverse": 12.0,
        "numeric": 12.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      }
    ],
    "left_out": 0,
    "columns": {},
    "not_covered": []
  },
  "cost": {
    "recommended": "reverse",
    "reason": "Reverse mode needs 1 pass, forward mode 2 passes.",
    "call": "jax.grad(cubic)(x)",
    "measured": false,
    "note": "",
    "rule": "",
    "first": [
      {
        "mode": "reverse",
        "passes": 1,
        "flops": 12,
        "seconds": null,
        "compile_seconds": null,
        "temp_bytes": null,
        "infeasible": "",
        "call": "jax.grad(cubic)(x)",
        "because": "",
        "verified": ""
      },
      {
        "mode": "forward",
        "passes": 2,
        "flops": 16,
        "seconds": null,
        "compile_seconds": null,
        "temp_bytes": null,
        "infeasible": "",
        "call": "jax.jacfwd(cubic)(x)",
        "because": "",
        "verified": ""
      }
    ],
    "second": [
      {
        "mode": "forward over reverse",
        "passes": 2,
        "flops": 32,
        "seconds": null,
        "compile_seconds": null,
        "temp_bytes": null,
        "infeasible": "",
        "call": "jax.hessian(cubic)(x)",
        "because": "",
        "verified": ""
      },
      {
        "mode": "reverse over reverse",
        "passes": 2,
        "flops": 32,
        "seconds": null,
        "compile_seconds": null,
        "temp_bytes": null,
        "infeasible": "",
        "call": "jax.jacrev(jax.jacrev(cubic))(x)",
        "because": "",
        "verified": ""
      },
      {
        "mode": "forward over forward",
        "passes": 4,
        "flops": 45,
        "seconds": null,
        "compile_seconds": null,
        "temp_bytes": null,
        "infeasible": "",
        "call": "jax.jacfwd(jax.jacfwd(cubic))(x)",
        "because": "",
        "verified": ""
      },
      {
        "mode": "reverse over forward",
        "passes": 4,
        "flops": 51,
        "seconds": null,
        "compile_seconds": null,
        "temp_bytes": null,
        "infeasible": "",
        "call": "jax.jacrev(jax.jacfwd(cubic))(x)",
        "because": "",
        "verified": ""
      }
    ]
  },
  "curvature": {
    "definiteness": "positive definite",
    "point_kind": "not stationary",
    "note": "Eigenvalues are known to about 1e-07 of the largest, the rounding of the dtype.",
    "eigenvalues": [
      3.5278640450004204,
      12.47213595499958
    ]
  },
  "findings": [],
  "findings_left_out": 0,
  "leaves": null,
  "tape": {
    "nodes": [
      [
        "input",
        0
      ],
      [
        "input",
        1
      ],
      [
        "square",
        0
      ],
      [
        "mul",
        1,
        2
      ],
      [
        "const",
        3.0
      ],
      [
        "pow",
        1,
        4
      ],
      [
        "add",
        3,
        5
      ]
    ],
    "outputs": [
      6
    ],
    "guards": []
  },
  "tape_missing": ""
};

export const layer: PanelState = {
  "version": 1,
  "name": "layer",
  "signature": "layer : \u211d\u00b2\u02e3\u00b2 \u00d7 \u211d\u00b2 \u2192 \u211d\u00b2   (float32)",
  "grade": null,
  "mine": [],
  "verdict": "agrees",
  "summary": "all 84 entries of JAX's forward and reverse mode agree with the formula derived from the code at the point and at 64 random points around it; 78 of them proved by algebra",
  "inputs": [
    {
      "name": "W",
      "shape": [
        2,
        2
      ],
      "dtype": "float32"
    },
    {
      "name": "b",
      "shape": [
        2
      ],
      "dtype": "float32"
    }
  ],
  "outputs": [
    {
      "name": "layer['h']",
      "shape": [
        2
      ],
      "dtype": "float32"
    }
  ],
  "input_names": [
    "W[0, 0]",
    "W[0, 1]",
    "W[1, 0]",
    "W[1, 1]",
    "b[0]",
    "b[1]"
  ],
  "output_names": [
    "layer['h'][0]",
    "layer['h'][1]"
  ],
  "point": [
    1.0,
    0.5,
    -2.0,
    0.25,
    0.5,
    0.25
  ],
  "derivatives": [
    {
      "what": "value",
      "values": [
        2.5,
        0.0
      ],
      "formulas": null,
      "closed": [
        "\\mathrm{layer}_{h} = \\max(0, W c_{1} + b),\\quad \\text{where } c_{1} = \\begin{bmatrix} 1 \\\\ 2 \\end{bmatrix}"
      ],
      "missing": ""
    },
    {
      "what": "jacobian",
      "values": [
        1.0,
        2.0,
        0.0,
        0.0,
        1.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0
      ],
      "formulas": [
        "\\left[W_{0,0} + 2 W_{0,1} + b_{0} > 0\\right]",
        "2 \\left[W_{0,0} + 2 W_{0,1} + b_{0} > 0\\right]",
        "0",
        "0",
        "\\left[W_{0,0} + 2 W_{0,1} + b_{0} > 0\\right]",
        "0",
        "0",
        "0",
        "\\left[W_{1,0} + 2 W_{1,1} + b_{1} > 0\\right]",
        "2 \\left[W_{1,0} + 2 W_{1,1} + b_{1} > 0\\right]",
        "0",
        "\\left[W_{1,0} + 2 W_{1,1} + b_{1} > 0\\right]"
      ],
      "closed": [
        "\\frac{\\partial \\mathrm{layer}_{h}}{\\partial \\operatorname{vec}(W)} = \\operatorname{diag}\\left(\\left[W c_{1} + b > 0\\right]\\right) \\otimes c_{1}^{\\top},\\quad \\text{where } \\text{vec stacks the rows},\\; c_{1} = \\begin{bmatrix} 1 \\\\ 2 \\end{bmatrix}",
        "\\frac{\\partial \\mathrm{layer}_{h}}{\\partial b} = \\operatorname{diag}\\left(\\left[W c_{1} + b > 0\\right]\\right),\\quad \\text{where } c_{1} = \\begin{bmatrix} 1 \\\\ 2 \\end{bmatrix}"
      ],
      "missing": ""
    },
    {
      "what": "hessian",
      "values": [
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0
      ],
      "formulas": [
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0",
        "0"
      ],
      "closed": [],
      "missing": ""
    }
  ],
  "check": {
    "outcome": "agrees",
    "summary": "all 84 entries of JAX's forward and reverse mode agree with the formula derived from the code at the point and at 64 random points around it; 78 of them proved by algebra",
    "entries": [
      {
        "what": "jacobian",
        "output": "layer['h'][0]",
        "inputs": [
          "W[0, 0]"
        ],
        "symbolic": 1.0,
        "forward": 1.0,
        "reverse": 1.0,
        "numeric": 0.999999999999995,
        "error": 0.0,
        "outcome": "agrees",
        "reason": "",
        "why": ""
      },
      {
        "what": "jacobian",
        "output": "layer['h'][0]",
        "inputs": [
          "W[0, 1]"
        ],
        "symbolic": 2.0,
        "forward": 2.0,
        "reverse": 2.0,
        "numeric": 1.99999999999999,
        "error": 0.0,
        "outcome": "agrees",
        "reason": "",
        "why": ""
      },
      {
        "what": "jacobian",
        "output": "layer['h'][0]",
        "inputs": [
          "W[1, 0]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "jacobian",
        "output": "layer['h'][0]",
        "inputs": [
          "W[1, 1]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "jacobian",
        "output": "layer['h'][1]",
        "inputs": [
          "W[0, 0]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "jacobian",
        "output": "layer['h'][1]",
        "inputs": [
          "W[0, 1]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "jacobian",
        "output": "layer['h'][1]",
        "inputs": [
          "W[1, 0]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "agrees",
        "reason": "",
        "why": ""
      },
      {
        "what": "jacobian",
        "output": "layer['h'][1]",
        "inputs": [
          "W[1, 1]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "agrees",
        "reason": "",
        "why": ""
      },
      {
        "what": "jacobian",
        "output": "layer['h'][0]",
        "inputs": [
          "b[0]"
        ],
        "symbolic": 1.0,
        "forward": 1.0,
        "reverse": 1.0,
        "numeric": 0.9999999999999964,
        "error": 0.0,
        "outcome": "agrees",
        "reason": "",
        "why": ""
      },
      {
        "what": "jacobian",
        "output": "layer['h'][0]",
        "inputs": [
          "b[1]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "jacobian",
        "output": "layer['h'][1]",
        "inputs": [
          "b[0]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "jacobian",
        "output": "layer['h'][1]",
        "inputs": [
          "b[1]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "agrees",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][0]",
        "inputs": [
          "W[0, 0]",
          "W[0, 0]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][0]",
        "inputs": [
          "W[0, 0]",
          "W[0, 1]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][0]",
        "inputs": [
          "W[0, 0]",
          "W[1, 0]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][0]",
        "inputs": [
          "W[0, 0]",
          "W[1, 1]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][0]",
        "inputs": [
          "W[0, 1]",
          "W[0, 0]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][0]",
        "inputs": [
          "W[0, 1]",
          "W[0, 1]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][0]",
        "inputs": [
          "W[0, 1]",
          "W[1, 0]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][0]",
        "inputs": [
          "W[0, 1]",
          "W[1, 1]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][0]",
        "inputs": [
          "W[1, 0]",
          "W[0, 0]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][0]",
        "inputs": [
          "W[1, 0]",
          "W[0, 1]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][0]",
        "inputs": [
          "W[1, 0]",
          "W[1, 0]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][0]",
        "inputs": [
          "W[1, 0]",
          "W[1, 1]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][0]",
        "inputs": [
          "W[1, 1]",
          "W[0, 0]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][0]",
        "inputs": [
          "W[1, 1]",
          "W[0, 1]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][0]",
        "inputs": [
          "W[1, 1]",
          "W[1, 0]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][0]",
        "inputs": [
          "W[1, 1]",
          "W[1, 1]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][1]",
        "inputs": [
          "W[0, 0]",
          "W[0, 0]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][1]",
        "inputs": [
          "W[0, 0]",
          "W[0, 1]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][1]",
        "inputs": [
          "W[0, 0]",
          "W[1, 0]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][1]",
        "inputs": [
          "W[0, 0]",
          "W[1, 1]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][1]",
        "inputs": [
          "W[0, 1]",
          "W[0, 0]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][1]",
        "inputs": [
          "W[0, 1]",
          "W[0, 1]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][1]",
        "inputs": [
          "W[0, 1]",
          "W[1, 0]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][1]",
        "inputs": [
          "W[0, 1]",
          "W[1, 1]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][1]",
        "inputs": [
          "W[1, 0]",
          "W[0, 0]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][1]",
        "inputs": [
          "W[1, 0]",
          "W[0, 1]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][1]",
        "inputs": [
          "W[1, 0]",
          "W[1, 0]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][1]",
        "inputs": [
          "W[1, 0]",
          "W[1, 1]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][1]",
        "inputs": [
          "W[1, 1]",
          "W[0, 0]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][1]",
        "inputs": [
          "W[1, 1]",
          "W[0, 1]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][1]",
        "inputs": [
          "W[1, 1]",
          "W[1, 0]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][1]",
        "inputs": [
          "W[1, 1]",
          "W[1, 1]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][0]",
        "inputs": [
          "W[0, 0]",
          "b[0]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][0]",
        "inputs": [
          "W[0, 0]",
          "b[1]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][0]",
        "inputs": [
          "W[0, 1]",
          "b[0]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][0]",
        "inputs": [
          "W[0, 1]",
          "b[1]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][0]",
        "inputs": [
          "W[1, 0]",
          "b[0]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][0]",
        "inputs": [
          "W[1, 0]",
          "b[1]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][0]",
        "inputs": [
          "W[1, 1]",
          "b[0]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][0]",
        "inputs": [
          "W[1, 1]",
          "b[1]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][1]",
        "inputs": [
          "W[0, 0]",
          "b[0]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][1]",
        "inputs": [
          "W[0, 0]",
          "b[1]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][1]",
        "inputs": [
          "W[0, 1]",
          "b[0]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][1]",
        "inputs": [
          "W[0, 1]",
          "b[1]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][1]",
        "inputs": [
          "W[1, 0]",
          "b[0]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][1]",
        "inputs": [
          "W[1, 0]",
          "b[1]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][1]",
        "inputs": [
          "W[1, 1]",
          "b[0]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][1]",
        "inputs": [
          "W[1, 1]",
          "b[1]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][0]",
        "inputs": [
          "b[0]",
          "W[0, 0]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][0]",
        "inputs": [
          "b[0]",
          "W[0, 1]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][0]",
        "inputs": [
          "b[0]",
          "W[1, 0]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][0]",
        "inputs": [
          "b[0]",
          "W[1, 1]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][0]",
        "inputs": [
          "b[1]",
          "W[0, 0]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][0]",
        "inputs": [
          "b[1]",
          "W[0, 1]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][0]",
        "inputs": [
          "b[1]",
          "W[1, 0]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][0]",
        "inputs": [
          "b[1]",
          "W[1, 1]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][1]",
        "inputs": [
          "b[0]",
          "W[0, 0]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][1]",
        "inputs": [
          "b[0]",
          "W[0, 1]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][1]",
        "inputs": [
          "b[0]",
          "W[1, 0]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][1]",
        "inputs": [
          "b[0]",
          "W[1, 1]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][1]",
        "inputs": [
          "b[1]",
          "W[0, 0]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][1]",
        "inputs": [
          "b[1]",
          "W[0, 1]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][1]",
        "inputs": [
          "b[1]",
          "W[1, 0]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][1]",
        "inputs": [
          "b[1]",
          "W[1, 1]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][0]",
        "inputs": [
          "b[0]",
          "b[0]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][0]",
        "inputs": [
          "b[0]",
          "b[1]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][0]",
        "inputs": [
          "b[1]",
          "b[0]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][0]",
        "inputs": [
          "b[1]",
          "b[1]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][1]",
        "inputs": [
          "b[0]",
          "b[0]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][1]",
        "inputs": [
          "b[0]",
          "b[1]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][1]",
        "inputs": [
          "b[1]",
          "b[0]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "layer['h'][1]",
        "inputs": [
          "b[1]",
          "b[1]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "proved",
        "reason": "",
        "why": ""
      }
    ],
    "left_out": 0,
    "columns": {},
    "not_covered": []
  },
  "cost": {
    "recommended": "reverse",
    "reason": "Reverse mode needs 2 passes, forward mode 6 passes.",
    "call": "jax.jacrev(layer, argnums=(0, 1))(W, b)",
    "measured": false,
    "note": "",
    "rule": "",
    "first": [
      {
        "mode": "reverse",
        "passes": 2,
        "flops": 38,
        "seconds": null,
        "compile_seconds": null,
        "temp_bytes": null,
        "infeasible": "",
        "call": "jax.jacrev(layer, argnums=(0, 1))(W, b)",
        "because": "",
        "verified": ""
      },
      {
        "mode": "forward",
        "passes": 6,
        "flops": 90,
        "seconds": null,
        "compile_seconds": null,
        "temp_bytes": null,
        "infeasible": "",
        "call": "jax.jacfwd(layer, argnums=(0, 1))(W, b)",
        "because": "",
        "verified": ""
      }
    ],
    "second": []
  },
  "curvature": null,
  "findings": [
    {
      "kind": "infeasible-mode",
      "severity": "info",
      "path": "layer",
      "where": "states.py, line 27",
      "message": "Plain jax.grad refuses layer: \"Gradient only defined for scalar-output functions\". It wants one number, of shape (), and layer returns an array of shape (2,).",
      "cure": "Use jax.jacrev(layer, argnums=(0, 1))(W, b) or jax.jacfwd(layer, argnums=(0, 1))(W, b); for a gradient, return one number, such as its .sum().",
      "formula": ""
    }
  ],
  "findings_left_out": 0,
  "leaves": null,
  "tape": {
    "nodes": [
      [
        "input",
        0
      ],
      [
        "input",
        1
      ],
      [
        "input",
        2
      ],
      [
        "input",
        3
      ],
      [
        "input",
        4
      ],
      [
        "input",
        5
      ],
      [
        "const",
        2.0
      ],
      [
        "mul",
        1,
        6
      ],
      [
        "add",
        0,
        7
      ],
      [
        "mul",
        3,
        6
      ],
      [
        "add",
        2,
        9
      ],
      [
        "add",
        4,
        8
      ],
      [
        "add",
        5,
        10
      ],
      [
        "const",
        0.0
      ],
      [
        "max",
        11,
        13
      ],
      [
        "max",
        12,
        13
      ]
    ],
    "outputs": [
      14,
      15
    ],
    "guards": []
  },
  "tape_missing": ""
};

export const wrong: PanelState = {
  "version": 1,
  "name": "wrong",
  "signature": "wrong : \u211d \u2192 \u211d   (float32)",
  "grade": null,
  "mine": [],
  "verdict": "differs",
  "summary": "2 of 2 entries differ: JAX's forward mode gives 1.75517 where the function's own derivative is 0.877583. The fault: the rule of wrong (states.py, line 36) is not the derivative of wrong: for wrong with respect to x it gives 1.75517 where the code of wrong gives 0.877583 (it is 2 times the derivative)",
  "inputs": [
    {
      "name": "x",
      "shape": [],
      "dtype": "float32"
    }
  ],
  "outputs": [
    {
      "name": "wrong",
      "shape": [],
      "dtype": "float32"
    }
  ],
  "input_names": [
    "x"
  ],
  "output_names": [
    "wrong"
  ],
  "point": [
    0.5
  ],
  "derivatives": [
    {
      "what": "value",
      "values": [
        0.4794255495071411
      ],
      "formulas": null,
      "closed": [
        "\\sin{\\left(x \\right)}"
      ],
      "missing": ""
    },
    {
      "what": "gradient",
      "values": [
        1.7551651000976562
      ],
      "formulas": [
        "\\cos{\\left(x \\right)}"
      ],
      "closed": [],
      "missing": ""
    },
    {
      "what": "hessian",
      "values": [
        -0.9588510990142822
      ],
      "formulas": [
        "- \\sin{\\left(x \\right)}"
      ],
      "closed": [],
      "missing": ""
    }
  ],
  "check": {
    "outcome": "differs",
    "summary": "2 of 2 entries differ: JAX's forward mode gives 1.75517 where the function's own derivative is 0.877583. The fault: the rule of wrong (states.py, line 36) is not the derivative of wrong: for wrong with respect to x it gives 1.75517 where the code of wrong gives 0.877583 (it is 2 times the derivative)",
    "entries": [
      {
        "what": "gradient",
        "output": "wrong",
        "inputs": [
          "x"
        ],
        "symbolic": 0.8775825618903728,
        "forward": 1.7551651000976562,
        "reverse": 1.7551651000976562,
        "numeric": 0.8775825618903682,
        "error": 4194303.943404711,
        "outcome": "differs",
        "reason": "JAX's forward mode gives 1.75517 where the function's own derivative is 0.877583",
        "why": "wrong rule"
      },
      {
        "what": "hessian",
        "output": "wrong",
        "inputs": [
          "x",
          "x"
        ],
        "symbolic": -0.479425538604203,
        "forward": -0.9588510990142822,
        "reverse": -0.9588510990142822,
        "numeric": -0.47942553860420595,
        "error": 4194304.095385482,
        "outcome": "differs",
        "reason": "JAX's second derivative gives -0.958851 where the function's own derivative is -0.479426",
        "why": "wrong rule"
      }
    ],
    "left_out": 0,
    "columns": {},
    "not_covered": []
  },
  "cost": null,
  "curvature": {
    "definiteness": "undecided",
    "point_kind": "undecided",
    "note": "JAX's gradient is not that of the function (see Check): its Hessian says nothing about the shape of it.",
    "eigenvalues": [
      -0.9588510990142822
    ]
  },
  "findings": [
    {
      "kind": "custom-rule",
      "severity": "error",
      "path": "wrong",
      "where": "",
      "message": "The rule of wrong (states.py, line 36) is not the derivative of wrong: for wrong with respect to x it gives 1.75517 where the code of wrong gives 0.877583 (it is 2 times the derivative). JAX's derivative - derivative of the code = cos(x), for wrong with respect to x.",
      "cure": "Compare the rule with the code; if it is meant to differ, as gradient clipping and straight-through estimators are, say so: trust='wrong'.",
      "formula": "\\cos{\\left(x \\right)}"
    }
  ],
  "findings_left_out": 0,
  "leaves": null,
  "tape": {
    "nodes": [
      [
        "input",
        0
      ],
      [
        "sin",
        0
      ]
    ],
    "outputs": [
      1
    ],
    "guards": []
  },
  "tape_missing": ""
};

export const outside: PanelState = {
  "version": 1,
  "name": "outside",
  "signature": "outside : \u211d\u00b2 \u2192 \u211d   (float32)",
  "grade": null,
  "mine": [],
  "verdict": "out of reach",
  "summary": "6 of 6 entries cannot be decided: the function's value is not finite here",
  "inputs": [
    {
      "name": "x",
      "shape": [
        2
      ],
      "dtype": "float32"
    }
  ],
  "outputs": [
    {
      "name": "outside",
      "shape": [],
      "dtype": "float32"
    }
  ],
  "input_names": [
    "x[0]",
    "x[1]"
  ],
  "output_names": [
    "outside"
  ],
  "point": [
    2.0,
    -1.0
  ],
  "derivatives": [
    {
      "what": "value",
      "values": [
        "nan"
      ],
      "formulas": null,
      "closed": [
        "\\log{\\left(x_{0} \\right)} + \\log{\\left(x_{1} \\right)}"
      ],
      "missing": ""
    },
    {
      "what": "gradient",
      "values": [
        0.5,
        -1.0
      ],
      "formulas": [
        "\\frac{1}{x_{0}}",
        "\\frac{1}{x_{1}}"
      ],
      "closed": [],
      "missing": ""
    },
    {
      "what": "hessian",
      "values": [
        -0.25,
        0.0,
        0.0,
        -1.0
      ],
      "formulas": [
        "- \\frac{1}{x_{0}^{2}}",
        "0",
        "0",
        "- \\frac{1}{x_{1}^{2}}"
      ],
      "closed": [],
      "missing": ""
    }
  ],
  "check": {
    "outcome": "out of reach",
    "summary": "6 of 6 entries cannot be decided: the function's value is not finite here",
    "entries": [
      {
        "what": "gradient",
        "output": "outside",
        "inputs": [
          "x[0]"
        ],
        "symbolic": 0.5,
        "forward": 0.5,
        "reverse": 0.5,
        "numeric": "nan",
        "error": 0.0,
        "outcome": "out of reach",
        "reason": "the function's value is not finite here",
        "why": "in doubt"
      },
      {
        "what": "gradient",
        "output": "outside",
        "inputs": [
          "x[1]"
        ],
        "symbolic": -1.0,
        "forward": -1.0,
        "reverse": -1.0,
        "numeric": "nan",
        "error": 0.0,
        "outcome": "out of reach",
        "reason": "the function's value is not finite here",
        "why": "in doubt"
      },
      {
        "what": "hessian",
        "output": "outside",
        "inputs": [
          "x[0]",
          "x[0]"
        ],
        "symbolic": -0.25,
        "forward": -0.25,
        "reverse": -0.25,
        "numeric": -0.25000000000000616,
        "error": 0.0,
        "outcome": "out of reach",
        "reason": "the function's value is not finite here",
        "why": "in doubt"
      },
      {
        "what": "hessian",
        "output": "outside",
        "inputs": [
          "x[0]",
          "x[1]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": null,
        "error": 0.0,
        "outcome": "out of reach",
        "reason": "the function's value is not finite here",
        "why": "in doubt"
      },
      {
        "what": "hessian",
        "output": "outside",
        "inputs": [
          "x[1]",
          "x[0]"
        ],
        "symbolic": 0.0,
        "forward": 0.0,
        "reverse": 0.0,
        "numeric": null,
        "error": 0.0,
        "outcome": "out of reach",
        "reason": "the function's value is not finite here",
        "why": "in doubt"
      },
      {
        "what": "hessian",
        "output": "outside",
        "inputs": [
          "x[1]",
          "x[1]"
        ],
        "symbolic": -1.0,
        "forward": -1.0,
        "reverse": -1.0,
        "numeric": -1.0000000000000246,
        "error": 0.0,
        "outcome": "out of reach",
        "reason": "the function's value is not finite here",
        "why": "in doubt"
      }
    ],
    "left_out": 0,
    "columns": {},
    "not_covered": []
  },
  "cost": null,
  "curvature": {
    "definiteness": "negative definite",
    "point_kind": "not stationary",
    "note": "The Newton step does not go downhill here: it heads for a saddle or a maximum. Eigenvalues are known to about 1e-07 of the largest, the rounding of the dtype.",
    "eigenvalues": [
      -1.0,
      -0.25
    ]
  },
  "findings": [
    {
      "kind": "domain",
      "severity": "warning",
      "path": "outside",
      "where": "states.py, line 42",
      "message": "outside is nan here. In `return jnp.log(x[0]) + jnp.log(x[1])`, x[1] is -1, and log is defined for positive numbers only. Derivatives mean nothing there, though JAX returns finite ones.",
      "cure": "Move the point into the domain; jax.config.update('jax_debug_nans', True) stops where a nan is born.",
      "formula": ""
    }
  ],
  "findings_left_out": 0,
  "leaves": null,
  "tape": {
    "nodes": [
      [
        "input",
        0
      ],
      [
        "input",
        1
      ],
      [
        "log",
        0
      ],
      [
        "log",
        1
      ],
      [
        "add",
        2,
        3
      ]
    ],
    "outputs": [
      4
    ],
    "guards": []
  },
  "tape_missing": ""
};

export const model: PanelState = {
  "version": 1,
  "name": "model",
  "signature": "model : \u211d\u00b2\u2070 in 14 arrays \u2192 \u211d   (float32)",
  "grade": null,
  "mine": [],
  "verdict": "out of reach",
  "summary": "20 of 20 entries cannot be decided: JAX's forward mode is not finite here; without a formula it is not known whether the derivative is",
  "inputs": [
    {
      "name": "params['layers'][0]['bias']",
      "shape": [],
      "dtype": "float32"
    },
    {
      "name": "params['layers'][0]['weight']",
      "shape": [
        2
      ],
      "dtype": "float32"
    },
    {
      "name": "params['layers'][1]['bias']",
      "shape": [],
      "dtype": "float32"
    },
    {
      "name": "params['layers'][1]['weight']",
      "shape": [
        2
      ],
      "dtype": "float32"
    },
    {
      "name": "params['layers'][2]['bias']",
      "shape": [],
      "dtype": "float32"
    },
    {
      "name": "params['layers'][2]['weight']",
      "shape": [
        2
      ],
      "dtype": "float32"
    },
    {
      "name": "params['layers'][3]['bias']",
      "shape": [],
      "dtype": "float32"
    },
    {
      "name": "params['layers'][3]['weight']",
      "shape": [
        2
      ],
      "dtype": "float32"
    },
    {
      "name": "params['layers'][4]['bias']",
      "shape": [],
      "dtype": "float32"
    },
    {
      "name": "params['layers'][4]['weight']",
      "shape": [
        2
      ],
      "dtype": "float32"
    },
    {
      "name": "params['layers'][5]['bias']",
      "shape": [],
      "dtype": "float32"
    },
    {
      "name": "params['layers'][5]['weight']",
      "shape": [
        2
      ],
      "dtype": "float32"
    },
    {
      "name": "params['out']['bias']",
      "shape": [],
      "dtype": "float32"
    },
    {
      "name": "params['out']['scale']",
      "shape": [],
      "dtype": "float32"
    }
  ],
  "outputs": [
    {
      "name": "model",
      "shape": [],
      "dtype": "float32"
    }
  ],
  "input_names": [
    "params['layers'][0]['bias']",
    "params['layers'][0]['weight'][0]",
    "params['layers'][0]['weight'][1]",
    "params['layers'][1]['bias']",
    "params['layers'][1]['weight'][0]",
    "params['layers'][1]['weight'][1]",
    "params['layers'][2]['bias']",
    "params['layers'][2]['weight'][0]",
    "params['layers'][2]['weight'][1]",
    "params['layers'][3]['bias']",
    "params['layers'][3]['weight'][0]",
    "params['layers'][3]['weight'][1]",
    "params['layers'][4]['bias']",
    "params['layers'][4]['weight'][0]",
    "params['layers'][4]['weight'][1]",
    "params['layers'][5]['bias']",
    "params['layers'][5]['weight'][0]",
    "params['layers'][5]['weight'][1]",
    "params['out']['bias']",
    "params['out']['scale']"
  ],
  "output_names": [
    "model"
  ],
  "point": [
    0.25,
    0.5,
    -1.0,
    0.25,
    0.5,
    -1.0,
    0.25,
    0.5,
    -1.0,
    0.25,
    0.5,
    -1.0,
    0.25,
    0.5,
    -1.0,
    0.25,
    0.5,
    -1.0,
    0.0,
    2.0
  ],
  "derivatives": [
    {
      "what": "value",
      "values": [
        -0.6547001600265503
      ],
      "formulas": null,
      "closed": [],
      "missing": ""
    },
    {
      "what": "gradient",
      "values": [
        1.8800296783447266,
        1.5728954076766968,
        0.8399485945701599,
        1.8800296783447266,
        1.5728954076766968,
        0.8399485945701599,
        1.8800296783447266,
        1.5728954076766968,
        0.8399485945701599,
        1.8800296783447266,
        1.5728954076766968,
        0.8399485945701599,
        1.8800296783447266,
        1.5728954076766968,
        0.8399485945701599,
        1.8800296783447266,
        1.5728954076766968,
        0.8399485945701599,
        "inf",
        -0.32735008001327515
      ],
      "formulas": null,
      "closed": [],
      "missing": ""
    }
  ],
  "check": {
    "outcome": "out of reach",
    "summary": "20 of 20 entries cannot be decided: JAX's forward mode is not finite here; without a formula it is not known whether the derivative is",
    "entries": [
      {
        "what": "gradient",
        "output": "model",
        "inputs": [
          "params['layers'][0]['bias']"
        ],
        "symbolic": null,
        "forward": "nan",
        "reverse": 1.8800296783447266,
        "numeric": 1.8800296976127069,
        "error": null,
        "outcome": "out of reach",
        "reason": "JAX's forward mode is not finite here; without a formula it is not known whether the derivative is",
        "why": "unknown whether finite"
      },
      {
        "what": "gradient",
        "output": "model",
        "inputs": [
          "params['layers'][0]['weight'][0]"
        ],
        "symbolic": null,
        "forward": "nan",
        "reverse": 1.5728954076766968,
        "numeric": 1.5728954659318615,
        "error": null,
        "outcome": "out of reach",
        "reason": "JAX's forward mode is not finite here; without a formula it is not known whether the derivative is",
        "why": "unknown whether finite"
      },
      {
        "what": "gradient",
        "output": "model",
        "inputs": [
          "params['layers'][0]['weight'][1]"
        ],
        "symbolic": null,
        "forward": "nan",
        "reverse": 0.8399485945701599,
        "numeric": 0.8399486832280707,
        "error": null,
        "outcome": "out of reach",
        "reason": "JAX's forward mode is not finite here; without a formula it is not known whether the derivative is",
        "why": "unknown whether finite"
      },
      {
        "what": "gradient",
        "output": "model",
        "inputs": [
          "params['layers'][1]['bias']"
        ],
        "symbolic": null,
        "forward": "nan",
        "reverse": 1.8800296783447266,
        "numeric": 1.8800296976127069,
        "error": null,
        "outcome": "out of reach",
        "reason": "JAX's forward mode is not finite here; without a formula it is not known whether the derivative is",
        "why": "unknown whether finite"
      },
      {
        "what": "gradient",
        "output": "model",
        "inputs": [
          "params['layers'][1]['weight'][0]"
        ],
        "symbolic": null,
        "forward": "nan",
        "reverse": 1.5728954076766968,
        "numeric": 1.5728954659318615,
        "error": null,
        "outcome": "out of reach",
        "reason": "JAX's forward mode is not finite here; without a formula it is not known whether the derivative is",
        "why": "unknown whether finite"
      },
      {
        "what": "gradient",
        "output": "model",
        "inputs": [
          "params['layers'][1]['weight'][1]"
        ],
        "symbolic": null,
        "forward": "nan",
        "reverse": 0.8399485945701599,
        "numeric": 0.8399486832280707,
        "error": null,
        "outcome": "out of reach",
        "reason": "JAX's forward mode is not finite here; without a formula it is not known whether the derivative is",
        "why": "unknown whether finite"
      },
      {
        "what": "gradient",
        "output": "model",
        "inputs": [
          "params['layers'][2]['bias']"
        ],
        "symbolic": null,
        "forward": "nan",
        "reverse": 1.8800296783447266,
        "numeric": 1.8800296976127069,
        "error": null,
        "outcome": "out of reach",
        "reason": "JAX's forward mode is not finite here; without a formula it is not known whether the derivative is",
        "why": "unknown whether finite"
      },
      {
        "what": "gradient",
        "output": "model",
        "inputs": [
          "params['layers'][2]['weight'][0]"
        ],
        "symbolic": null,
        "forward": "nan",
        "reverse": 1.5728954076766968,
        "numeric": 1.5728954659318615,
        "error": null,
        "outcome": "out of reach",
        "reason": "JAX's forward mode is not finite here; without a formula it is not known whether the derivative is",
        "why": "unknown whether finite"
      },
      {
        "what": "gradient",
        "output": "model",
        "inputs": [
          "params['layers'][2]['weight'][1]"
        ],
        "symbolic": null,
        "forward": "nan",
        "reverse": 0.8399485945701599,
        "numeric": 0.8399486832280707,
        "error": null,
        "outcome": "out of reach",
        "reason": "JAX's forward mode is not finite here; without a formula it is not known whether the derivative is",
        "why": "unknown whether finite"
      },
      {
        "what": "gradient",
        "output": "model",
        "inputs": [
          "params['layers'][3]['bias']"
        ],
        "symbolic": null,
        "forward": "nan",
        "reverse": 1.8800296783447266,
        "numeric": 1.8800296976127069,
        "error": null,
        "outcome": "out of reach",
        "reason": "JAX's forward mode is not finite here; without a formula it is not known whether the derivative is",
        "why": "unknown whether finite"
      },
      {
        "what": "gradient",
        "output": "model",
        "inputs": [
          "params['layers'][3]['weight'][0]"
        ],
        "symbolic": null,
        "forward": "nan",
        "reverse": 1.5728954076766968,
        "numeric": 1.5728954659318615,
        "error": null,
        "outcome": "out of reach",
        "reason": "JAX's forward mode is not finite here; without a formula it is not known whether the derivative is",
        "why": "unknown whether finite"
      },
      {
        "what": "gradient",
        "output": "model",
        "inputs": [
          "params['layers'][3]['weight'][1]"
        ],
        "symbolic": null,
        "forward": "nan",
        "reverse": 0.8399485945701599,
        "numeric": 0.8399486832280707,
        "error": null,
        "outcome": "out of reach",
        "reason": "JAX's forward mode is not finite here; without a formula it is not known whether the derivative is",
        "why": "unknown whether finite"
      },
      {
        "what": "gradient",
        "output": "model",
        "inputs": [
          "params['layers'][4]['bias']"
        ],
        "symbolic": null,
        "forward": "nan",
        "reverse": 1.8800296783447266,
        "numeric": 1.8800296976127069,
        "error": null,
        "outcome": "out of reach",
        "reason": "JAX's forward mode is not finite here; without a formula it is not known whether the derivative is",
        "why": "unknown whether finite"
      },
      {
        "what": "gradient",
        "output": "model",
        "inputs": [
          "params['layers'][4]['weight'][0]"
        ],
        "symbolic": null,
        "forward": "nan",
        "reverse": 1.5728954076766968,
        "numeric": 1.5728954659318615,
        "error": null,
        "outcome": "out of reach",
        "reason": "JAX's forward mode is not finite here; without a formula it is not known whether the derivative is",
        "why": "unknown whether finite"
      },
      {
        "what": "gradient",
        "output": "model",
        "inputs": [
          "params['layers'][4]['weight'][1]"
        ],
        "symbolic": null,
        "forward": "nan",
        "reverse": 0.8399485945701599,
        "numeric": 0.8399486832280707,
        "error": null,
        "outcome": "out of reach",
        "reason": "JAX's forward mode is not finite here; without a formula it is not known whether the derivative is",
        "why": "unknown whether finite"
      },
      {
        "what": "gradient",
        "output": "model",
        "inputs": [
          "params['layers'][5]['bias']"
        ],
        "symbolic": null,
        "forward": "nan",
        "reverse": 1.8800296783447266,
        "numeric": 1.8800296976127322,
        "error": null,
        "outcome": "out of reach",
        "reason": "JAX's forward mode is not finite here; without a formula it is not known whether the derivative is",
        "why": "unknown whether finite"
      },
      {
        "what": "gradient",
        "output": "model",
        "inputs": [
          "params['layers'][5]['weight'][0]"
        ],
        "symbolic": null,
        "forward": "nan",
        "reverse": 1.5728954076766968,
        "numeric": 1.5728954659318615,
        "error": null,
        "outcome": "out of reach",
        "reason": "JAX's forward mode is not finite here; without a formula it is not known whether the derivative is",
        "why": "unknown whether finite"
      },
      {
        "what": "gradient",
        "output": "model",
        "inputs": [
          "params['layers'][5]['weight'][1]"
        ],
        "symbolic": null,
        "forward": "nan",
        "reverse": 0.8399485945701599,
        "numeric": 0.8399486832280707,
        "error": null,
        "outcome": "out of reach",
        "reason": "JAX's forward mode is not finite here; without a formula it is not known whether the derivative is",
        "why": "unknown whether finite"
      },
      {
        "what": "gradient",
        "output": "model",
        "inputs": [
          "params['out']['bias']"
        ],
        "symbolic": null,
        "forward": "inf",
        "reverse": "inf",
        "numeric": "nan",
        "error": null,
        "outcome": "out of reach",
        "reason": "JAX's forward mode is not finite here; without a formula it is not known whether the derivative is",
        "why": "unknown whether finite"
      },
      {
        "what": "gradient",
        "output": "model",
        "inputs": [
          "params['out']['scale']"
        ],
        "symbolic": null,
        "forward": "nan",
        "reverse": -0.32735008001327515,
        "numeric": -0.3273500177522759,
        "error": null,
        "outcome": "out of reach",
        "reason": "JAX's forward mode is not finite here; without a formula it is not known whether the derivative is",
        "why": "unknown whether finite"
      }
    ],
    "left_out": 0,
    "columns": {
      "symbolic": "formulas were not asked for"
    },
    "not_covered": []
  },
  "cost": null,
  "curvature": null,
  "findings": [
    {
      "kind": "nan",
      "severity": "warning",
      "path": "params['layers'][0]['bias']",
      "where": "states.py, line 49",
      "message": "The derivative of model with respect to params['layers'][0]['bias'], params['layers'][0]['weight'][0], params['layers'][0]['weight'][1] and 16 more is nan in forward mode only: most often a branch that is not taken still takes part, as 0 * inf or 0 * nan. Reverse mode gives 1.88.",
      "cure": "Select the operand as well as the result: where a step is not smooth, give it another operand, at which it is, and select its value afterwards. No line that was tried here gives a finite derivative that is right.",
      "formula": ""
    },
    {
      "kind": "nan",
      "severity": "warning",
      "path": "params['out']['bias']",
      "where": "states.py, line 49",
      "message": "The derivative of model with respect to params['out']['bias'] is infinite: model itself is finite; roots, norms and powers at 0 do this.",
      "cure": "Select the operand as well as the result: where a step is not smooth, give it another operand, at which it is, and select its value afterwards. No line that was tried here gives a finite derivative that is right.",
      "formula": ""
    }
  ],
  "findings_left_out": 0,
  "leaves": {
    "caption": "14 leaves, 20 numbers; ratio is |grad| / |parameter|, its bar a logarithm over 2 decades",
    "begins": [],
    "modules": [
      {
        "whole": {
          "name": "params['layers'][0]",
          "shape": "3 in 2",
          "gradient": 2.591143607843418,
          "ratio": 2.2617355656082734,
          "share": 0.739,
          "zeros": 0.0,
          "nonfinite": 0,
          "outcome": "out of reach"
        },
        "rows": [
          {
            "name": "['bias']",
            "shape": "scalar",
            "gradient": 1.8800296783447266,
            "ratio": 7.520118713378906,
            "share": 1.0,
            "zeros": 0.0,
            "nonfinite": 0,
            "outcome": "out of reach"
          },
          {
            "name": "['weight']",
            "shape": "2",
            "gradient": 1.7831190664144752,
            "ratio": 1.5948701777914913,
            "share": 0.663,
            "zeros": 0.0,
            "nonfinite": 0,
            "outcome": "out of reach"
          }
        ],
        "open": true
      },
      {
        "whole": {
          "name": "params['layers'][1]",
          "shape": "3 in 2",
          "gradient": 2.591143607843418,
          "ratio": 2.2617355656082734,
          "share": 0.739,
          "zeros": 0.0,
          "nonfinite": 0,
          "outcome": "out of reach"
        },
        "rows": [
          {
            "name": "['bias']",
            "shape": "scalar",
            "gradient": 1.8800296783447266,
            "ratio": 7.520118713378906,
            "share": 1.0,
            "zeros": 0.0,
            "nonfinite": 0,
            "outcome": "out of reach"
          },
          {
            "name": "['weight']",
            "shape": "2",
            "gradient": 1.7831190664144752,
            "ratio": 1.5948701777914913,
            "share": 0.663,
            "zeros": 0.0,
            "nonfinite": 0,
            "outcome": "out of reach"
          }
        ],
        "open": true
      },
      {
        "whole": {
          "name": "params['layers'][2]",
          "shape": "3 in 2",
          "gradient": 2.591143607843418,
          "ratio": 2.2617355656082734,
          "share": 0.739,
          "zeros": 0.0,
          "nonfinite": 0,
          "outcome": "out of reach"
        },
        "rows": [
          {
            "name": "['bias']",
            "shape": "scalar",
            "gradient": 1.8800296783447266,
            "ratio": 7.520118713378906,
            "share": 1.0,
            "zeros": 0.0,
            "nonfinite": 0,
            "outcome": "out of reach"
          },
          {
            "name": "['weight']",
            "shape": "2",
            "gradient": 1.7831190664144752,
            "ratio": 1.5948701777914913,
            "share": 0.663,
            "zeros": 0.0,
            "nonfinite": 0,
            "outcome": "out of reach"
          }
        ],
        "open": true
      },
      {
        "whole": {
          "name": "params['layers'][3]",
          "shape": "3 in 2",
          "gradient": 2.591143607843418,
          "ratio": 2.2617355656082734,
          "share": 0.739,
          "zeros": 0.0,
          "nonfinite": 0,
          "outcome": "out of reach"
        },
        "rows": [
          {
            "name": "['bias']",
            "shape": "scalar",
            "gradient": 1.8800296783447266,
            "ratio": 7.520118713378906,
            "share": 1.0,
            "zeros": 0.0,
            "nonfinite": 0,
            "outcome": "out of reach"
          },
          {
            "name": "['weight']",
            "shape": "2",
            "gradient": 1.7831190664144752,
            "ratio": 1.5948701777914913,
            "share": 0.663,
            "zeros": 0.0,
            "nonfinite": 0,
            "outcome": "out of reach"
          }
        ],
        "open": true
      },
      {
        "whole": {
          "name": "params['layers'][4]",
          "shape": "3 in 2",
          "gradient": 2.591143607843418,
          "ratio": 2.2617355656082734,
          "share": 0.739,
          "zeros": 0.0,
          "nonfinite": 0,
          "outcome": "out of reach"
        },
        "rows": [
          {
            "name": "['bias']",
            "shape": "scalar",
            "gradient": 1.8800296783447266,
            "ratio": 7.520118713378906,
            "share": 1.0,
            "zeros": 0.0,
            "nonfinite": 0,
            "outcome": "out of reach"
          },
          {
            "name": "['weight']",
            "shape": "2",
            "gradient": 1.7831190664144752,
            "ratio": 1.5948701777914913,
            "share": 0.663,
            "zeros": 0.0,
            "nonfinite": 0,
            "outcome": "out of reach"
          }
        ],
        "open": true
      },
      {
        "whole": {
          "name": "params['layers'][5]",
          "shape": "3 in 2",
          "gradient": 2.591143607843418,
          "ratio": 2.2617355656082734,
          "share": 0.739,
          "zeros": 0.0,
          "nonfinite": 0,
          "outcome": "out of reach"
        },
        "rows": [
          {
            "name": "['bias']",
            "shape": "scalar",
            "gradient": 1.8800296783447266,
            "ratio": 7.520118713378906,
            "share": 1.0,
            "zeros": 0.0,
            "nonfinite": 0,
            "outcome": "out of reach"
          },
          {
            "name": "['weight']",
            "shape": "2",
            "gradient": 1.7831190664144752,
            "ratio": 1.5948701777914913,
            "share": 0.663,
            "zeros": 0.0,
            "nonfinite": 0,
            "outcome": "out of reach"
          }
        ],
        "open": true
      },
      {
        "whole": {
          "name": "params['out']",
          "shape": "2 in 2",
          "gradient": "inf",
          "ratio": "inf",
          "share": 1.0,
          "zeros": 0.0,
          "nonfinite": 1,
          "outcome": "out of reach"
        },
        "rows": [
          {
            "name": "['bias']",
            "shape": "scalar",
            "gradient": "inf",
            "ratio": null,
            "share": 1.0,
            "zeros": 0.0,
            "nonfinite": 1,
            "outcome": "out of reach"
          },
          {
            "name": "['scale']",
            "shape": "scalar",
            "gradient": 0.32735008001327515,
            "ratio": 0.16367504000663757,
            "share": 0.169,
            "zeros": 0.0,
            "nonfinite": 0,
            "outcome": "out of reach"
          }
        ],
        "open": true
      }
    ],
    "left_out": 0,
    "facts": []
  },
  "tape": {
    "nodes": [
      [
        "input",
        0
      ],
      [
        "input",
        1
      ],
      [
        "input",
        2
      ],
      [
        "input",
        3
      ],
      [
        "input",
        4
      ],
      [
        "input",
        5
      ],
      [
        "input",
        6
      ],
      [
        "input",
        7
      ],
      [
        "input",
        8
      ],
      [
        "input",
        9
      ],
      [
        "input",
        10
      ],
      [
        "input",
        11
      ],
      [
        "input",
        12
      ],
      [
        "input",
        13
      ],
      [
        "input",
        14
      ],
      [
        "input",
        15
      ],
      [
        "input",
        16
      ],
      [
        "input",
        17
      ],
      [
        "input",
        18
      ],
      [
        "input",
        19
      ],
      [
        "tanh",
        0
      ],
      [
        "tanh",
        1
      ],
      [
        "tanh",
        2
      ],
      [
        "add",
        21,
        22
      ],
      [
        "add",
        20,
        23
      ],
      [
        "tanh",
        3
      ],
      [
        "add",
        24,
        25
      ],
      [
        "tanh",
        4
      ],
      [
        "tanh",
        5
      ],
      [
        "add",
        27,
        28
      ],
      [
        "add",
        26,
        29
      ],
      [
        "tanh",
        6
      ],
      [
        "add",
        30,
        31
      ],
      [
        "tanh",
        7
      ],
      [
        "tanh",
        8
      ],
      [
        "add",
        33,
        34
      ],
      [
        "add",
        32,
        35
      ],
      [
        "tanh",
        9
      ],
      [
        "add",
        36,
        37
      ],
      [
        "tanh",
        10
      ],
      [
        "tanh",
        11
      ],
      [
        "add",
        39,
        40
      ],
      [
        "add",
        38,
        41
      ],
      [
        "tanh",
        12
      ],
      [
        "add",
        42,
        43
      ],
      [
        "tanh",
        13
      ],
      [
        "tanh",
        14
      ],
      [
        "add",
        45,
        46
      ],
      [
        "add",
        44,
        47
      ],
      [
        "tanh",
        15
      ],
      [
        "add",
        48,
        49
      ],
      [
        "tanh",
        16
      ],
      [
        "tanh",
        17
      ],
      [
        "add",
        51,
        52
      ],
      [
        "add",
        50,
        53
      ],
      [
        "mul",
        19,
        54
      ],
      [
        "sqrt",
        18
      ],
      [
        "add",
        55,
        56
      ]
    ],
    "outputs": [
      57
    ],
    "guards": []
  },
  "tape_missing": ""
};

export const special: PanelState = {
  "version": 1,
  "name": "special",
  "signature": "special : \u211d \u2192 \u211d   (float32)",
  "grade": null,
  "mine": [],
  "verdict": "proved",
  "summary": "for all 2 entries, the formula derived from the code and the one behind JAX's forward and reverse mode are the same expression; the numbers agree at the point and at 64 random points around it",
  "inputs": [
    {
      "name": "x",
      "shape": [],
      "dtype": "float32"
    }
  ],
  "outputs": [
    {
      "name": "special",
      "shape": [],
      "dtype": "float32"
    }
  ],
  "input_names": [
    "x"
  ],
  "output_names": [
    "special"
  ],
  "point": [
    0.5
  ],
  "derivatives": [
    {
      "what": "value",
      "values": [
        0.6874998211860657
      ],
      "formulas": null,
      "closed": [
        "\\operatorname{RegularizedBeta}{\\left(2,3,x \\right)}"
      ],
      "missing": ""
    },
    {
      "what": "gradient",
      "values": [
        1.4999996423721313
      ],
      "formulas": [
        "12 x e^{2 \\log\\left(1 + - x\\right)}"
      ],
      "closed": [],
      "missing": ""
    },
    {
      "what": "hessian",
      "values": [
        -2.9999992847442627
      ],
      "formulas": [
        "\\frac{12 \\left(1 - 3 x\\right) e^{2 \\log\\left(1 + - x\\right)}}{1 - x}"
      ],
      "closed": [],
      "missing": ""
    }
  ],
  "check": {
    "outcome": "proved",
    "summary": "for all 2 entries, the formula derived from the code and the one behind JAX's forward and reverse mode are the same expression; the numbers agree at the point and at 64 random points around it",
    "entries": [
      {
        "what": "gradient",
        "output": "special",
        "inputs": [
          "x"
        ],
        "symbolic": 1.5000000000000002,
        "forward": 1.4999996423721313,
        "reverse": 1.4999996423721313,
        "numeric": 1.4999999999999893,
        "error": 2.000000001241763,
        "outcome": "proved",
        "reason": "",
        "why": ""
      },
      {
        "what": "hessian",
        "output": "special",
        "inputs": [
          "x",
          "x"
        ],
        "symbolic": -3.0000000000000004,
        "forward": -2.9999992847442627,
        "reverse": -2.9999992847442627,
        "numeric": -2.999999999999944,
        "error": 2.000000001241763,
        "outcome": "proved",
        "reason": "",
        "why": ""
      }
    ],
    "left_out": 0,
    "columns": {},
    "not_covered": []
  },
  "cost": null,
  "curvature": {
    "definiteness": "negative definite",
    "point_kind": "not stationary",
    "note": "The Newton step does not go downhill here: it heads for a saddle or a maximum. Eigenvalues are known to about 1e-07 of the largest, the rounding of the dtype.",
    "eigenvalues": [
      -2.9999992847442627
    ]
  },
  "findings": [],
  "findings_left_out": 0,
  "leaves": null,
  "tape": null,
  "tape_missing": "the browser has no `regularized_incomplete_beta` (states.py, line 46)"
};
