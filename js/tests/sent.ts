/** States of panels as a kernel sends them; tests/show/panel wrote them, and compares what it sends today. */

import type { PanelState } from "../src/wire";

export const cubic: PanelState = {
  "version": 1,
  "name": "cubic",
  "signature": "cubic : \u211d\u00b2 \u2192 \u211d   (float32)",
  "grade": null,
  "mine": [],
  "verdict": "proved",
  "summary": "for all 6 entries, the formula derived from the code and the one behind JAX's forward and reverse mode are the same expression; the numbers agree at the point and at 49 random points around it",
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
    "summary": "for all 6 entries, the formula derived from the code and the one behind JAX's forward and reverse mode are the same expression; the numbers agree at the point and at 49 random points around it",
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
        "\\mathrm{layer}_{h} = \\max(0, W c_{1} + b)"
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
        "\\left[W_{0,0} c_{1,0} + W_{0,1} c_{1,1} + b_{0} > 0\\right] c_{1,0}",
        "\\left[W_{0,0} c_{1,0} + W_{0,1} c_{1,1} + b_{0} > 0\\right] c_{1,1}",
        "0",
        "0",
        "\\left[W_{0,0} c_{1,0} + W_{0,1} c_{1,1} + b_{0} > 0\\right]",
        "0",
        "0",
        "0",
        "\\left[W_{1,0} c_{1,0} + W_{1,1} c_{1,1} + b_{1} > 0\\right] c_{1,0}",
        "\\left[W_{1,0} c_{1,0} + W_{1,1} c_{1,1} + b_{1} > 0\\right] c_{1,1}",
        "0",
        "\\left[W_{1,0} c_{1,0} + W_{1,1} c_{1,1} + b_{1} > 0\\right]"
      ],
      "closed": [
        "\\frac{\\partial \\mathrm{layer}_{h}}{\\partial \\operatorname{vec}(W)} = \\operatorname{diag}\\left(\\left[W c_{1} + b > 0\\right]\\right) \\otimes c_{1}^{\\top},\\quad \\text{where } \\text{vec stacks the rows}",
        "\\frac{\\partial \\mathrm{layer}_{h}}{\\partial b} = \\operatorname{diag}\\left(\\left[W c_{1} + b > 0\\right]\\right)"
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
        "error": 8388607.773618847,
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
        "error": 8388608.381541936,
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
        "why": "no value"
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
        "why": "no value"
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
        "why": "no value"
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
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "out of reach",
        "reason": "the function's value is not finite here",
        "why": "no value"
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
        "numeric": 0.0,
        "error": 0.0,
        "outcome": "out of reach",
        "reason": "the function's value is not finite here",
        "why": "no value"
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
        "why": "no value"
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

export const special: PanelState = {
  "version": 1,
  "name": "special",
  "signature": "special : \u211d \u2192 \u211d   (float32)",
  "grade": null,
  "mine": [],
  "verdict": "proved",
  "summary": "for all 2 entries, the formula derived from the code and the one behind JAX's forward and reverse mode are the same expression; the numbers agree at the point and at 54 random points around it",
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
    "summary": "for all 2 entries, the formula derived from the code and the one behind JAX's forward and reverse mode are the same expression; the numbers agree at the point and at 54 random points around it",
    "entries": [
      {
        "what": "gradient",
        "output": "special",
        "inputs": [
          "x"
        ],
        "symbolic": 1.5000000000000004,
        "forward": 1.4999996423721313,
        "reverse": 1.4999996423721313,
        "numeric": 1.4999999999999893,
        "error": 0.3585768397854326,
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
        "symbolic": -3.000000000000001,
        "forward": -2.9999992847442627,
        "reverse": -2.9999992847442627,
        "numeric": -2.999999999999944,
        "error": 0.23661344449423907,
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
  "tape": null,
  "tape_missing": "the browser has no `regularized_incomplete_beta` (states.py, line 46)"
};
