/**
 * A fault of one checkpoint. The loader catches it, reports it and falls back to an older
 * checkpoint. Any other error while reading is not the checkpoint's fault.
 */
export class Damage extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = "Damage";
  }
}

/**
 * The bytes are intact, but this version cannot resume from them; another version may have written
 * them. The checkpoint is skipped, and set aside only if an older one is used instead.
 */
export class Unfit extends Damage {}

/**
 * A dangling link, as when a disk is not mounted. The checkpoint may be intact, so it may be
 * skipped but is never set aside.
 */
export class Unreachable extends Damage {}
