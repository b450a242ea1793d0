/** Numbers as people read them. */

/** About three significant digits, no exponent in the everyday range, a true minus sign. */
export function short(value: number | null | undefined): string {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  let text: string;
  if (size === 0) text = "0";
  else if (size >= 1e6) text = `${(value / 1e6).toPrecision(3)} M`;
  else if (size >= 1000) text = Math.round(value).toLocaleString("en-GB");
  else if (size >= 100) text = value.toFixed(0);
  else if (size >= 10) text = value.toFixed(1);
  else if (size >= 1) text = value.toFixed(2);
  else if (size >= 0.01) text = value.toFixed(3);
  else if (size >= 0.0001) text = String(Number(value.toPrecision(2)));
  else text = value.toExponential(1);
  return text.replace("-", "−");
}

/** A number beside an axis: round already, and without the noughts that say how exact a measured one is. */
export function tick(value: number): string {
  return Math.abs(value) >= 1000 ? short(value) : String(Number(value.toPrecision(6))).replace("-", "−");
}

/** 12 s, 3 min 20 s, 2 h 5 min. */
export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "–";
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return minutes < 10 ? `${minutes} min ${whole % 60} s` : `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}

export function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

/** The largest and smallest finite number, or the fallback where there is none. */
export function extent(values: Iterable<number>, fallback: readonly [number, number]): [number, number] {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? [low, high] : [...fallback];
}
