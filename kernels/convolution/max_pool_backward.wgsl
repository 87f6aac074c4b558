// One item of the image per invocation: the sum over the windows whose maximum it is, in order.
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

@group(0) @binding(0) var<storage, read> places: array<Columns>;
@group(0) @binding(1) var<storage, read> dy: array<Item>;
@group(0) @binding(2) var<storage, read_write> dx: array<Item>;

fn item_main(n: u32) {
  let c = n % CHANNELS;
  var rest = n / CHANNELS;
  let w = rest % SIZE_W + PADDING_W;
  rest /= SIZE_W;
  let h = rest % SIZE_H + PADDING_H;
  let batch = rest / SIZE_H;
  // The windows that the element lies in.
  let first_row = select((h + STRIDE_H - KERNEL_H) / STRIDE_H, 0u, h < KERNEL_H);
  let first_column = select((w + STRIDE_W - KERNEL_W) / STRIDE_W, 0u, w < KERNEL_W);
  let end_row = min(ROWS, h / STRIDE_H + 1u);
  let end_column = min(COLUMNS, w / STRIDE_W + 1u);
  var total = Item();
  for (var row = first_row; row < end_row; row++) {
    let kh = h - row * STRIDE_H;
    for (var column = first_column; column < end_column; column++) {
      let place = kh * KERNEL_W + w - column * STRIDE_W;
      let at = ((batch * ROWS + row) * COLUMNS + column) * CHANNELS + c;
      total += select(Item(), dy[at], places[at] == Columns(place));
    }
  }
  dx[n] = total;
}
