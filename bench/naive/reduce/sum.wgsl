// One thread per block of neighbours. `square`: 1 for the sum of squares, else 0.
override block: u32;
override square: u32;

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= arrayLength(&y)) { return; }
  var total = 0.0f;
  for (var at = i * block; at < min((i + 1u) * block, arrayLength(&x)); at++) {
    total += select(x[at], x[at] * x[at], square == 1u);
  }
  y[i] = total;
}
