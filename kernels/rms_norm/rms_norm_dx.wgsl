// Gradient of a normalised row: rstd * (g - n * mean(g * n)), g = dy * gain, n = x * rstd.
@group(0) @binding(0) var<storage, read> x: array<Item>;
@group(0) @binding(1) var<storage, read> gain: array<Item>;
@group(0) @binding(2) var<storage, read> rstds: array<f32>;
@group(0) @binding(3) var<storage, read> dy: array<Item>;
@group(0) @binding(4) var<storage, read_write> dx: array<Item>;

fn row_main(row: u32, lane: u32, items: u32) {
  let first = row * ITEMS;
  let rstd = rstds[row];
  var along = Item();
  for (var i = lane; i < items; i += LANES) {
    along += dy[first + i] * gain[i] * (x[first + i] * rstd);
  }
  let slope = across_sum(fold_sum(along), lane) / f32(COLS);
  for (var i = lane; i < items; i += LANES) {
    dx[first + i] = rstd * (dy[first + i] * gain[i] - x[first + i] * rstd * slope);
  }
}
