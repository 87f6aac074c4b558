// Copies COUNT columns of x [B, N, X] to rows of the whole [B, C, W], one thread per element.
override N: u32;
override C: u32;
override X: u32;
override W: u32;
override FIRST: u32;
override COUNT: u32;
override TO: u32;

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> index: array<u32>;
@group(0) @binding(2) var<storage, read_write> whole: array<f32>;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= arrayLength(&x) / X * COUNT) { return; }
  let token = i / COUNT;
  let row = token / N * C + index[token % N];
  whole[row * W + TO + i % COUNT] = x[token * X + FIRST + i % COUNT];
}
