// One item of a window's row per invocation: an element of the image, or 0 in the padding.
override CHANNELS: u32;
override SIZE_H: u32;
override SIZE_W: u32;
override ROWS: u32;
override COLUMNS: u32;
override KERNEL_H: u32;
override KERNEL_W: u32;
override STRIDE_H: u32;
override STRIDE_W: u32;
override PADDING_H: u32;
override PADDING_W: u32;

@group(0) @binding(0) var<storage, read> x: array<Item>;
@group(0) @binding(1) var<storage, read_write> y: array<Item>;

fn item_main(n: u32) {
  let c = n % CHANNELS;
  var rest = n / CHANNELS;
  let kw = rest % KERNEL_W;
  rest /= KERNEL_W;
  let kh = rest % KERNEL_H;
  rest /= KERNEL_H;
  let column = rest % COLUMNS;
  rest /= COLUMNS;
  let row = rest % ROWS;
  let batch = rest / ROWS;
  // Before the image the difference wraps to a large number.
  let h = row * STRIDE_H + kh - PADDING_H;
  let w = column * STRIDE_W + kw - PADDING_W;
  var value = Item();
  if (h < SIZE_H && w < SIZE_W) {
    value = x[((batch * SIZE_H + h) * SIZE_W + w) * CHANNELS + c];
  }
  y[n] = value;
}
