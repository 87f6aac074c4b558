// Rows of zeros, in each COUNT items of x from FIRST on.
override COLUMNS: u32;
override FIRST: u32;
override COUNT: u32;

@group(0) @binding(0) var<storage, read> x: array<Item>;
@group(0) @binding(1) var<storage, read_write> y: array<Item>;

fn item_main(i: u32) {
  let item = i % COLUMNS;
  var value = Item();
  if (item >= FIRST && item < FIRST + COUNT) {
    value = x[i / COLUMNS * COUNT + item - FIRST];
  }
  y[i] = value;
}
