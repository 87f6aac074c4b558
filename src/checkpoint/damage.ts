/**
 * What is wrong with one checkpoint. The loader catches it, says it and falls back to an older
 * checkpoint; anything else that reading throws is not the checkpoint's fault.
 */
export class Damage extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = "Damage";
  }
}
