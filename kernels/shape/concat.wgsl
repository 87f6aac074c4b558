// Each row of y is a row of a, then a row of b.
override A: u32;
override B: u32;

@group(0) @binding(0) var<storage, read> a: array<Item>;
@group(0) @binding(1) var<storage, read> b: array<Item>;
@group(0) @binding(2) var<storage, read_write> y: array<Item>;

fn item_main(i: u32) {
  let row = i / (A + B);
  let item = i % (A + B);
  if (item < A) {
    y[i] = a[row * A + item];
  } else {
    y[i] = b[row * B + item - A];
  }
}
