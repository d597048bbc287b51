/** A point of space on the screen, seen from far away: turned about the vertical, then from above. */

export interface Sight {
  /** Radians. */
  turn: number;
  elevation: number;
}

/** Of a point in the unit cube around 0 (z up): across and up on the screen, and how far away. */
export function project([x, y, z]: readonly [number, number, number], { turn, elevation }: Sight) {
  const across = x * Math.cos(turn) - y * Math.sin(turn);
  const back = x * Math.sin(turn) + y * Math.cos(turn);
  return {
    across,
    up: z * Math.cos(elevation) + back * Math.sin(elevation),
    depth: back * Math.cos(elevation) - z * Math.sin(elevation),
  };
}
