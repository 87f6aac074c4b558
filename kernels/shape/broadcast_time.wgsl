// The window's vector times SCALE at the time steps from FROM on, zeros before.
override COLUMNS: u32;
override TIME: u32;
override FROM: u32;
override SCALE: f32;

@group(0) @binding(0) var<storage, read> x: array<Item>;
@group(0) @binding(1) var<storage, read_write> y: array<Item>;

fn item_main(i: u32) {
  var value = Item();
  if (i / COLUMNS % TIME >= FROM) {
    value = x[i / (TIME * COLUMNS) * COLUMNS + i % COLUMNS] * SCALE;
  }
  y[i] = value;
}
