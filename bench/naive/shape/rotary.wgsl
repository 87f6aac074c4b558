// Rotates pairs of columns, or copies them, one thread per element.
override T: u32;
override W: u32;
override FIRST: u32;
override HEADS: u32;
override D: u32;
override HALF: u32;
override interleaved: bool;
override inverse: bool;

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> cos_table: array<f32>;
@group(0) @binding(2) var<storage, read> sin_table: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= arrayLength(&y)) { return; }
  let column = i % W;
  let c = (column - FIRST) % D;
  if (column < FIRST || column >= FIRST + HEADS * D || c >= 2u * HALF) {
    y[i] = x[i];
    return;
  }
  let k = select(c % HALF, c / 2u, interleaved);
  let is_first = select(c < HALF, c % 2u == 0u, interleaved);
  let apart = select(HALF, 1u, interleaved);
  let angle = i / W % T * HALF + k;
  let s = select(sin_table[angle], -sin_table[angle], inverse);
  if (is_first) {
    y[i] = x[i] * cos_table[angle] - x[i + apart] * s;
  } else {
    y[i] = x[i] * cos_table[angle] + x[i - apart] * s;
  }
}
