// Sum over the time steps of each window from FROM on, times SCALE.
override COLUMNS: u32;
override TIME: u32;
override FROM: u32;
override SCALE: f32;

@group(0) @binding(0) var<storage, read> x: array<Item>;
@group(0) @binding(1) var<storage, read_write> y: array<Item>;

fn item_main(i: u32) {
  let first = i / COLUMNS * TIME * COLUMNS + i % COLUMNS;
  var total = Item();
  for (var t = FROM; t < TIME; t++) { total += x[first + t * COLUMNS]; }
  y[i] = total * SCALE;
}
