// Two passes over each row of logits: its maximum, then the sum of exponentials below it.
@group(0) @binding(0) var<storage, read> logits: array<Item>;
@group(0) @binding(1) var<storage, read> targets: array<u32>;
@group(0) @binding(2) var<storage, read_write> losses: array<f32>;
@group(0) @binding(3) var<storage, read_write> lses: array<f32>;

override ignore: u32;
const LOWEST = -3.0e38f;

fn logit(row: u32, column: u32) -> f32 {
  return element(logits[row * ITEMS + column / WIDTH], column % WIDTH);
}

fn row_main(row: u32, lane: u32, items: u32) {
  let first = row * ITEMS;
  var largest = Item() + LOWEST;
  for (var i = lane; i < items; i += LANES) { largest = max(largest, logits[first + i]); }
  let top = across_max(fold_max(largest), lane);
  var total = Item();
  for (var i = lane; i < items; i += LANES) { total += exp(logits[first + i] - top); }
  let lse = top + log(across_sum(fold_sum(total), lane));
  if (lane == 0u) {
    let label = targets[row];
    var loss = 0.0f;
    if (label != ignore) { loss = lse - logit(row, label); }
    losses[row] = loss;
    lses[row] = lse;
  }
}
