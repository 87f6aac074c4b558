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

/**
 * The bytes are intact, but this version cannot resume from them. Another version may have written them,
 * so the checkpoint is passed over, and set aside only if an older one is used instead.
 */
export class Unfit extends Damage {}

/**
 * A link that leads nowhere, as when a disk is not mounted. The checkpoint may be whole: it is passed
 * over where it must be, and never set aside.
 */
export class Unreachable extends Damage {}
