// One pass over each row: the difference between the probabilities and the target's 1.
@group(0) @binding(0) var<storage, read> logits: array<Item>;
@group(0) @binding(1) var<storage, read> targets: array<u32>;
@group(0) @binding(2) var<storage, read> lses: array<f32>;
@group(0) @binding(3) var<storage, read> dloss: array<f32>;
@group(0) @binding(4) var<storage, read_write> dlogits: array<Item>;

override ignore: u32;

fn row_main(row: u32, lane: u32, items: u32) {
  let first = row * ITEMS;
  let label = targets[row];
  let lse = lses[row];
  let scale = select(dloss[row], 0.0f, label == ignore);
  for (var i = lane; i < items; i += LANES) {
    let hit = select(Item(), Item() + 1.0f, columns_of(i) == Columns(label));
    dlogits[first + i] = (exp(logits[first + i] - lse) - hit) * scale;
  }
}
