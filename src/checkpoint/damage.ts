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
 * Every byte is as it was written, and it is no state that this version can go on from. It may be
 * another version's: it is passed over, and set aside only where an older one takes its place.
 */
export class Unfit extends Damage {}

/**
 * A link that leads nowhere, as when a disk is not mounted. The checkpoint may be whole: it is passed
 * over where it must be, and never set aside.
 */
export class Unreachable extends Damage {}
