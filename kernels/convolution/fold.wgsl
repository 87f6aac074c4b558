// One item of the image per invocation: the sum over the places that it has in windows, in order.
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

@group(0) @binding(0) var<storage, read> rows: array<Item>;
@group(0) @binding(1) var<storage, read_write> y: array<Item>;

fn item_main(n: u32) {
  let c = n % CHANNELS;
  var rest = n / CHANNELS;
  let w = rest % SIZE_W + PADDING_W;
  rest /= SIZE_W;
  let h = rest % SIZE_H + PADDING_H;
  let batch = rest / SIZE_H;
  var total = Item();
  for (var kh = 0u; kh < KERNEL_H; kh++) {
    if (kh > h || (h - kh) % STRIDE_H != 0u) { continue; }
    let row = (h - kh) / STRIDE_H;
    if (row >= ROWS) { continue; }
    for (var kw = 0u; kw < KERNEL_W; kw++) {
      if (kw > w || (w - kw) % STRIDE_W != 0u) { continue; }
      let column = (w - kw) / STRIDE_W;
      if (column >= COLUMNS) { continue; }
      let window = (batch * ROWS + row) * COLUMNS + column;
      total += rows[((window * KERNEL_H + kh) * KERNEL_W + kw) * CHANNELS + c];
    }
  }
  y[n] = total;
}
