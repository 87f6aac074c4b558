// The textbook loop: one thread per element of c [M, N]. Strides tell the transposes.
override N: u32;
override M: u32;
override K: u32;
override a_row: u32;
override a_column: u32;
override b_row: u32;
override b_column: u32;

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> c: array<f32>;

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let row = id.y;
  let column = id.x;
  if (row >= M || column >= N) { return; }
  var total = 0.0f;
  for (var k = 0u; k < K; k++) {
    total += a[row * a_row + k * a_column] * b[k * b_row + column * b_column];
  }
  c[row * N + column] = total;
}
