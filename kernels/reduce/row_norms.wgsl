// Two passes over each row: its largest magnitude, then the sum of squares in units of that.
@group(0) @binding(0) var<storage, read> x: array<Item>;
@group(0) @binding(1) var<storage, read_write> norms: array<f32>;

// Between these a number has an inverse, and WGSL bounds its error.
const SMALLEST = 0x1p-126f;
const LARGEST = 0x1p126f;

fn row_main(row: u32, lane: u32, items: u32) {
  let first = row * ITEMS;
  var largest = Item();
  for (var i = lane; i < items; i += LANES) { largest = max(largest, abs(x[first + i])); }
  let unit = clamp(across_max(fold_max(largest), lane), SMALLEST, LARGEST);
  let inverse = 1.0f / unit;
  var total = Item();
  for (var i = lane; i < items; i += LANES) {
    let v = x[first + i] * inverse;
    total += v * v;
  }
  let squares = across_sum(fold_sum(total), lane);
  if (lane == 0u) { norms[row] = unit * sqrt(squares); }
}
