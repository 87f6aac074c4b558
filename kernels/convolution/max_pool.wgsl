// One maximum per invocation, and its place in the window: the first of equal elements.
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
@group(0) @binding(2) var<storage, read_write> places: array<Columns>;

fn item_main(n: u32) {
  let c = n % CHANNELS;
  var rest = n / CHANNELS;
  let left = (rest % COLUMNS) * STRIDE_W;
  rest /= COLUMNS;
  let top = (rest % ROWS) * STRIDE_H;
  let image = rest / ROWS * SIZE_H;
  // Elements of the window that lie inside of the image.
  let first_h = PADDING_H - min(top, PADDING_H);
  let first_w = PADDING_W - min(left, PADDING_W);
  let end_h = min(KERNEL_H, SIZE_H + PADDING_H - top);
  let end_w = min(KERNEL_W, SIZE_W + PADDING_W - left);
  var place = Columns(first_h * KERNEL_W + first_w);
  var best = x[((image + top + first_h - PADDING_H) * SIZE_W + left + first_w - PADDING_W)
    * CHANNELS + c];
  for (var kh = first_h; kh < end_h; kh++) {
    let line = (image + top + kh - PADDING_H) * SIZE_W + left - PADDING_W;
    for (var kw = first_w; kw < end_w; kw++) {
      let value = x[(line + kw) * CHANNELS + c];
      let larger = value > best;
      best = select(best, value, larger);
      place = select(place, Columns(kh * KERNEL_W + kw), larger);
    }
  }
  y[n] = best;
  places[n] = place;
}
