/** Formats numbers for terminal output. */

/** Four decimals or four significant digits: `3.2141`, `0.01234`. */
export function showLoss(loss: number): string {
  return Math.abs(loss) >= 1 || loss === 0 ? loss.toFixed(4) : loss.toPrecision(4);
}

/** `3.00e-4`. */
export function showRate(lr: number): string {
  return lr.toExponential(2);
}

/** Three digits and a unit: `987`, `45.2k`, `1.23M`. */
export function showCount(n: number): string {
  for (const [unit, size] of [["G", 1e9], ["M", 1e6], ["k", 1e3]] as const) {
    // Otherwise 999.5 would print as 1000 of the smaller unit.
    if (n >= size * 0.9995) return threeDigits(n / size) + unit;
  }
  return String(Math.round(n));
}

/** `2.10 MB`. */
export function showBytes(bytes: number): string {
  return bytes < 999.5 ? `${bytes} B` : showCount(bytes).replace(/(.)$/, " $1B");
}

/** The two largest units: `45 s`, `1 m 20 s`, `2 h 5 m`, `3 d 4 h`. */
export function showSeconds(seconds: number): string {
  const s = Math.round(seconds);
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} m ${s % 60} s`;
  const m = Math.round(s / 60);
  if (m < 1440) return `${Math.floor(m / 60)} h ${m % 60} m`;
  const h = Math.round(m / 60);
  return `${Math.floor(h / 24)} d ${h % 24} h`;
}

function threeDigits(x: number): string {
  return x >= 99.95 ? x.toFixed(0) : x >= 9.995 ? x.toFixed(1) : x.toFixed(2);
}
