// One thread per element. `mean`: 1 for the mean over time, else 0 for the last step.
override T: u32;
override D: u32;
override mean: u32;

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= arrayLength(&y)) { return; }
  let first = i / D * T * D + i % D;
  if (mean == 0u) {
    y[i] = x[first + (T - 1u) * D];
    return;
  }
  var total = 0.0f;
  for (var t = 0u; t < T; t++) { total += x[first + t * D]; }
  y[i] = total / f32(T);
}
