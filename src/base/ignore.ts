/** The target that a loss leaves out. */

/** A target of a row that counts for nothing: padding, or the end of a stream. */
export const IGNORE = 0xffff_ffff;
