// Normalises each row. Two sums: of the values, then of the squared differences from their mean.
@group(0) @binding(0) var<storage, read> x: array<Item>;
@group(0) @binding(1) var<storage, read> gamma: array<Item>;
@group(0) @binding(2) var<storage, read> beta: array<Item>;
@group(0) @binding(3) var<storage, read_write> y: array<Item>;
@group(0) @binding(4) var<storage, read_write> means: array<f32>;
@group(0) @binding(5) var<storage, read_write> rstds: array<f32>;

override eps: f32;

fn row_main(row: u32, lane: u32, items: u32) {
  let first = row * ITEMS;
  var total = Item();
  for (var i = lane; i < items; i += LANES) { total += x[first + i]; }
  let mean = across_sum(fold_sum(total), lane) / f32(COLS);
  var squares = Item();
  for (var i = lane; i < items; i += LANES) {
    let d = x[first + i] - mean;
    squares += d * d;
  }
  let rstd = 1.0f / sqrt(across_sum(fold_sum(squares), lane) / f32(COLS) + eps);
  for (var i = lane; i < items; i += LANES) {
    y[first + i] = (x[first + i] - mean) * rstd * gamma[i] + beta[i];
  }
  if (lane == 0u) {
    means[row] = mean;
    rstds[row] = rstd;
  }
}
