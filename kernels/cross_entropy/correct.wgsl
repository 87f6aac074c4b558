// One pass over each row: the target must beat every column before it and lose to none behind it.
@group(0) @binding(0) var<storage, read> logits: array<Item>;
@group(0) @binding(1) var<storage, read> targets: array<u32>;
@group(0) @binding(2) var<storage, read_write> hits: array<f32>;

fn row_main(row: u32, lane: u32, items: u32) {
  let first = row * ITEMS;
  let label = targets[row];
  // An ignored target counts as behind every column; the last one, read in its stead, would have
  // to be below itself, so the row is a miss.
  let column = min(label, COLS - 1u);
  let own = element(logits[first + column / WIDTH], column % WIDTH);
  var misses = Item();
  for (var i = lane; i < items; i += LANES) {
    let z = logits[first + i];
    let behind = select(z <= Item() + own, z < Item() + own, columns_of(i) < Columns(label));
    misses = max(misses, select(Item() + 1.0f, Item(), behind));
  }
  let missed = across_max(fold_max(misses), lane);
  if (lane == 0u) { hits[row] = 1.0f - missed; }
}
