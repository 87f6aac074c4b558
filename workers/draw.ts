/** How a sample chooses its next token. Pure. */

/** A token from logits: the softmax at `temperature` (> 0), cut at the uniform number `u`. */
export function draw(
  logits: Float32Array,
  { temperature, u }: { temperature: number; u: number },
): number {
  const top = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  const weights = Array.from(logits, (x) => Math.exp((x - top) / temperature));
  const total = weights.reduce((a, b) => a + b, 0);
  let rest = u * total;
  const at = weights.findIndex((w) => (rest -= w) < 0);
  return at < 0 ? weights.length - 1 : at;
}
