/**
 * Matrices over windows or images [places, channels]. In our layout a row is an input, ordered by
 * place, then by channel. In PyTorch's a row is an output, and its inputs are ordered by channel.
 */

/** Sizes of the inputs. */
export interface ChannelsFirst {
  readonly channels: number;
  /** Elements of a window, or of an image, per channel. */
  readonly places: number;
}

/** Calls `pair` with the indices of each element: in ours [P C, O], in theirs [O, C, P]. */
function eachPair(
  { channels, places }: ChannelsFirst,
  length: number,
  pair: (ours: number, theirs: number) => void,
): void {
  const outputs = length / (channels * places);
  for (let theirs = 0; theirs < length; theirs++) {
    const place = theirs % places;
    const channel = Math.floor(theirs / places) % channels;
    const output = Math.floor(theirs / (places * channels));
    pair((place * channels + channel) * outputs + output, theirs);
  }
}

/** From our order to PyTorch's. */
export function toChannelsFirst(data: Float32Array, sizes: ChannelsFirst): Float32Array {
  const out = new Float32Array(data.length);
  eachPair(sizes, data.length, (ours, theirs) => out[theirs] = data[ours] as number);
  return out;
}

/** From PyTorch's order to ours. */
export function fromChannelsFirst(data: Float32Array, sizes: ChannelsFirst): Float32Array {
  const out = new Float32Array(data.length);
  eachPair(sizes, data.length, (ours, theirs) => out[ours] = data[theirs] as number);
  return out;
}
