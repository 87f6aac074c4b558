// Each row of y is filled with one element of x.
override COLUMNS: u32;

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<Item>;

fn item_main(i: u32) {
  y[i] = Item() + x[i / COLUMNS];
}
