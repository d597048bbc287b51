/** Functions that JavaScript lacks, in double precision: logistic, erf, erfc, log-gamma and the polygammas. */

const TWO_OVER_SQRT_PI = 2 / Math.sqrt(Math.PI);

/** Where the series of erf, whose terms all have one sign, hands over to the continued fraction of erfc. */
const SPLIT = 1.5;

/** 2/√π e^(-x²) Σ 2^k x^(2k+1) / (2k+1)!! */
function erfSeries(x: number): number {
  let term = x;
  let sum = x;
  for (let k = 1; Math.abs(term) > 1e-17 * Math.abs(sum); k++) {
    term *= (2 * x * x) / (2 * k + 1);
    sum += term;
  }
  return TWO_OVER_SQRT_PI * gaussian(x) * sum;
}

/** e^(-x²), with x split in two so that the rounding of x² is not magnified. */
function gaussian(x: number): number {
  const high = Math.fround(x);
  return Math.exp(-high * high) * Math.exp((high - x) * (high + x));
}

/** e^(-x²)/√π · 1/(x + (1/2)/(x + 1/(x + (3/2)/(x + …)))), from the innermost term outwards. */
function erfcFraction(x: number): number {
  if (x > 27.3) return 0;
  let tail = x;
  for (let k = Math.ceil(20 + 200 / (x * x)); k > 0; k--) tail = x + k / 2 / tail;
  return gaussian(x) / Math.sqrt(Math.PI) / tail;
}

export function logistic(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

export function erf(x: number): number {
  if (Math.abs(x) < SPLIT) return erfSeries(x);
  return x > 0 ? 1 - erfcFraction(x) : x < 0 ? erfcFraction(-x) - 1 : x;
}

export function erfc(x: number): number {
  if (Math.abs(x) < SPLIT) return 1 - erfSeries(x);
  return x > 0 ? erfcFraction(x) : x < 0 ? 2 - erfcFraction(-x) : x;
}

/** B_2, B_4, …: the asymptotic series below are good to the last digit from 12 on. */
const BERNOULLI = [1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510];
const ASYMPTOTIC = 12;

/** log |Γ(x)| */
export function lgamma(x: number): number {
  if (x === Number.POSITIVE_INFINITY || x === Number.NEGATIVE_INFINITY) return Number.POSITIVE_INFINITY;
  if (x <= 0 && Number.isInteger(x)) return Number.POSITIVE_INFINITY;
  if (x < 0.5) return Math.log(Math.PI / Math.abs(sinPi(x))) - lgamma(1 - x);
  if (x === 1 || x === 2) return 0;
  let product = 1;
  while (x < ASYMPTOTIC) product *= x++;
  let sum = (x - 0.5) * Math.log(x) - x + 0.5 * Math.log(2 * Math.PI) - Math.log(product);
  let power = x;
  BERNOULLI.forEach((b, i) => {
    sum += b / ((2 * i + 1) * (2 * i + 2) * power);
    power *= x * x;
  });
  return sum;
}

/** ψ(x), the derivative of log Γ. */
export function digamma(x: number): number {
  if (x <= 0 && Number.isInteger(x)) return Number.NaN;
  if (x < 0.5) return digamma(1 - x) - Math.PI * cotPi(x);
  let sum = 0;
  for (; x < ASYMPTOTIC; x++) sum -= 1 / x;
  sum += Math.log(x) - 1 / (2 * x);
  let power = x * x;
  BERNOULLI.forEach((b, i) => {
    sum -= b / ((2 * i + 2) * power);
    power *= x * x;
  });
  return sum;
}

/** ψ′(x) */
export function trigamma(x: number): number {
  if (x < 0.5) return (Math.PI / sinPi(x)) ** 2 - trigamma(1 - x);
  let sum = 0;
  for (; x < ASYMPTOTIC; x++) sum += 1 / (x * x);
  sum += 1 / x + 1 / (2 * x * x);
  let power = x ** 3;
  for (const b of BERNOULLI) {
    sum += b / power;
    power *= x * x;
  }
  return sum;
}

/** ψ″(x) */
export function tetragamma(x: number): number {
  if (x < 0.5) return tetragamma(1 - x) - (2 * Math.PI ** 3 * cotPi(x)) / sinPi(x) ** 2;
  let sum = 0;
  for (; x < ASYMPTOTIC; x++) sum -= 2 / x ** 3;
  sum -= 1 / (x * x) + 1 / x ** 3;
  let power = x ** 4;
  BERNOULLI.forEach((b, i) => {
    sum -= ((2 * i + 3) * b) / power;
    power *= x * x;
  });
  return sum;
}

/** sin πx, exactly 0 at integers. */
function sinPi(x: number): number {
  const r = x - 2 * Math.round(x / 2);
  return Math.abs(r) === 1
    ? 0
    : Math.abs(r) <= 0.5
      ? Math.sin(Math.PI * r)
      : Math.sign(r) * Math.sin(Math.PI * (1 - Math.abs(r)));
}

function cotPi(x: number): number {
  const r = x - Math.round(x);
  return 1 / Math.tan(Math.PI * r);
}
