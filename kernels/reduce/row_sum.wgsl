// The sum of each row.
@group(0) @binding(0) var<storage, read> x: array<Item>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

fn row_main(row: u32, lane: u32, items: u32) {
  let first = row * ITEMS;
  var total = Item();
  for (var i = lane; i < items; i += LANES) { total += x[first + i]; }
  let sum = across_sum(fold_sum(total), lane);
  if (lane == 0u) { y[row] = sum; }
}
