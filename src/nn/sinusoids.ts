/** Sinusoidal position embeddings (Vaswani et al. 2017, section 3.5). */

/**
 * As {@linkcode sinusoids}, with all sines before all cosines, as Marian has them; of an odd width
 * the larger half are sines.
 */
export function sinusoidHalves(time: number, width: number): Float32Array {
  const half = Math.ceil(width / 2);
  return Float32Array.from({ length: time * width }, (_, i) => {
    const [t, column] = [Math.floor(i / width), i % width];
    const angle = t * 10000 ** (-2 * (column % half) / width);
    return column < half ? Math.sin(angle) : Math.cos(angle);
  });
}

/** Values [time, width]: columns 2k and 2k + 1 are sine and cosine of 10000^(-2k / width) t. */
export function sinusoids(time: number, width: number): Float32Array {
  return Float32Array.from({ length: time * width }, (_, i) => {
    const [t, column] = [Math.floor(i / width), i % width];
    const angle = t * 10000 ** (-2 * Math.floor(column / 2) / width);
    return column % 2 === 0 ? Math.sin(angle) : Math.cos(angle);
  });
}
