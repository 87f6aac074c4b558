/** Sinusoidal positions (Vaswani et al. 2017, section 3.5). */

/** Values [time, width]: even columns are sines, odd ones cosines, of 10000^(-2k / width) t. */
export function sinusoids(time: number, width: number): Float32Array {
  return Float32Array.from({ length: time * width }, (_, i) => {
    const [t, column] = [Math.floor(i / width), i % width];
    const angle = t * 10000 ** (-2 * Math.floor(column / 2) / width);
    return column % 2 === 0 ? Math.sin(angle) : Math.cos(angle);
  });
}
