// The largest element of each row.
@group(0) @binding(0) var<storage, read> x: array<Item>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

const LOWEST = -3.4028234e38f;

fn row_main(row: u32, lane: u32, items: u32) {
  let first = row * ITEMS;
  var largest = Item() + LOWEST;
  for (var i = lane; i < items; i += LANES) { largest = max(largest, x[first + i]); }
  let top = across_max(fold_max(largest), lane);
  if (lane == 0u) { y[row] = top; }
}
