/** The ignore index of losses. */

/** Target excluded from the loss: padding, or the end of a stream. */
export const IGNORE = 0xffff_ffff;
