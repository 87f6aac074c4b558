// Counts the words of x whose exponent is all ones: infinities and NaNs. They are read as words, so
// no rule for floats applies. Item i + k STRIDE is invocation i's: neighbours read neighbours.
override ITEMS: u32;
override STRIDE: u32;

@group(0) @binding(0) var<storage, read> x: array<Words>;
@group(0) @binding(1) var<storage, read_write> count: array<atomic<u32>>;

const EXPONENT = Words() + 0x7f800000u;

fn broken(words: Words) -> Words {
  return select(Words(), Words() + 1u, (words & EXPONENT) == EXPONENT);
}

fn strip_main(i: u32) {
  var found = Words();
  var at = i;
  while (at + 3u * STRIDE < ITEMS) {
    let v0 = x[at];
    let v1 = x[at + STRIDE];
    let v2 = x[at + 2u * STRIDE];
    let v3 = x[at + 3u * STRIDE];
    found += (broken(v0) + broken(v1)) + (broken(v2) + broken(v3));
    at += 4u * STRIDE;
  }
  while (at < ITEMS) {
    found += broken(x[at]);
    at += STRIDE;
  }
  // Nearly always there is nothing to add; integers have one sum in any order.
  let total = fold(found);
  if (total > 0u) { atomicAdd(&count[0], total); }
}
