// Gradient of a normalised row: rstd * (g - mean(g) - n * mean(g * n)), g = dy * gamma, n = the
// normalised x.
@group(0) @binding(0) var<storage, read> x: array<Item>;
@group(0) @binding(1) var<storage, read> gamma: array<Item>;
@group(0) @binding(2) var<storage, read> means: array<f32>;
@group(0) @binding(3) var<storage, read> rstds: array<f32>;
@group(0) @binding(4) var<storage, read> dy: array<Item>;
@group(0) @binding(5) var<storage, read_write> dx: array<Item>;

fn row_main(row: u32, lane: u32, items: u32) {
  let first = row * ITEMS;
  let mean = means[row];
  let rstd = rstds[row];
  var plain = Item();
  var along = Item();
  for (var i = lane; i < items; i += LANES) {
    let g = dy[first + i] * gamma[i];
    plain += g;
    along += g * ((x[first + i] - mean) * rstd);
  }
  let m = across_sum(fold_sum(plain), lane) / f32(COLS);
  let slope = across_sum(fold_sum(along), lane) / f32(COLS);
  for (var i = lane; i < items; i += LANES) {
    let g = dy[first + i] * gamma[i];
    let n = (x[first + i] - mean) * rstd;
    dx[first + i] = rstd * (g - m - n * slope);
  }
}
