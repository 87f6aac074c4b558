// One thread per column: sums over all rows.
override C: u32;

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> means: array<f32>;
@group(0) @binding(2) var<storage, read> rstds: array<f32>;
@group(0) @binding(3) var<storage, read> dy: array<f32>;
@group(0) @binding(4) var<storage, read_write> dgamma: array<f32>;
@group(0) @binding(5) var<storage, read_write> dbeta: array<f32>;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= C) { return; }
  var scale = 0.0f;
  var shift = 0.0f;
  for (var r = 0u; r < arrayLength(&means); r++) {
    scale += dy[r * C + i] * (x[r * C + i] - means[r]) * rstds[r];
    shift += dy[r * C + i];
  }
  dgamma[i] = scale;
  dbeta[i] = shift;
}
