// Normalises each row: the sum of its squares, then the row.
@group(0) @binding(0) var<storage, read> x: array<Item>;
@group(0) @binding(1) var<storage, read> gain: array<Item>;
@group(0) @binding(2) var<storage, read_write> y: array<Item>;
@group(0) @binding(3) var<storage, read_write> rstds: array<f32>;

override eps: f32;

fn row_main(row: u32, lane: u32, items: u32) {
  let first = row * ITEMS;
  var squares = Item();
  for (var i = lane; i < items; i += LANES) {
    let v = x[first + i];
    squares += v * v;
  }
  let rstd = 1.0f / sqrt(across_sum(fold_sum(squares), lane) / f32(COLS) + eps);
  for (var i = lane; i < items; i += LANES) { y[first + i] = x[first + i] * rstd * gain[i]; }
  if (lane == 0u) { rstds[row] = rstd; }
}
